"""`manage.py send_event NAME`: send an event by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from jobs.commands import json_object
from jobs.events.sending import send_event


class Command(BaseCommand):
    help = "Send an event, and print its id. What came of it stands on its page in the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--data", default="{}", metavar="JSON", help="a JSON object")
        parser.add_argument("--id", default="", help="counts once in 24 hours")

    def handle(self, *args: Any, **options: Any) -> None:
        data = json_object(options["data"], option="--data")
        try:
            event = send_event(options["name"], data, id=options["id"], actor=command_actor())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(event.public_id)
        if event.is_duplicate:
            self.stderr.write(f"The id {options['id']!r} was sent before; nothing happens twice.")

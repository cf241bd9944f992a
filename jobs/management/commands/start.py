"""`manage.py start WORKFLOW`: start a run by hand."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from jobs import registry
from jobs.actions import start_run
from jobs.commands import json_object
from jobs.states import RunStatus
from jobs.watching import outcome, watch_run


class Command(BaseCommand):
    help = "Start a run of a workflow. With --wait: exits with 0 when it completed, 2 when it ended otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("--input", default="{}", metavar="JSON", help="a JSON object")
        parser.add_argument("--key", default="", help="an idempotency key: starts once")
        parser.add_argument("--wait", action="store_true", help="watch it until it is over")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            input = json_object(options["input"])
            registry.get(options["workflow"]).check_input(input)
            run = start_run(
                options["workflow"],
                input=input,
                idempotency_key=options["key"],
                actor=command_actor(),
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(run.public_id)
        if options["wait"]:
            watch_run(run)
            if run.status != RunStatus.COMPLETED:
                raise CommandError(outcome(run), returncode=2)
            self.stdout.write(json.dumps(run.output))

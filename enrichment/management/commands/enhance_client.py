"""`manage.py enhance_client ID [--wait]`: ask AI about a client."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from enrichment.actions.enhancing import enhance_client
from enrichment.models import SANDBOX, Client
from enrichment.providers.registry import provider_in_use
from enrichment.states import Mode
from jobs.states import RunStatus
from jobs.watching import outcome, watch_run


class Command(BaseCommand):
    help = (
        "Ask AI about a client. Exits with 0 when it was started (with --wait: completed), 1 when it was refused, "
        "2 when it ended otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client", metavar="ID", help="the client's id, cli_…")
        parser.add_argument("--mode", choices=Mode.values, default="", help="overrules its own")
        parser.add_argument("--wait", action="store_true", help="watch it until it is over")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client = Client.from_public_id(options["client"])
            run = enhance_client(client, mode=options["mode"], actor=command_actor())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Asking about “{client.name}” as {run.public_id}.")
        if provider_in_use() == SANDBOX:
            self.stdout.write("The built-in sandbox model answers: what it says is made up.")
        if options["wait"]:
            watch_run(run)
            if run.status != RunStatus.COMPLETED:
                raise CommandError(outcome(run), returncode=2)
            self.stdout.write(json.dumps(run.output))

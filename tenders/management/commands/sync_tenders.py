"""`manage.py sync_tenders --source KEY [--from DAY --to DAY] [--wait]`: bring a source up to date, or fetch a range."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from jobs.models import Run
from jobs.states import RunStatus
from jobs.watching import outcome, watch_run
from tenders import summing
from tenders.actions import request_backfill, request_sync
from tenders.actions.sources import find_source
from tenders.actions.syncing import MOST_ENRICHMENT
from tenders.models import TenderSource
from tenders.ranges import read_range

NOT_COMPLETE = 2


class Command(BaseCommand):
    help = (
        "Sync a source of tenders, or fetch a range of it. Exits with 0 when it was started (with --wait: when it is"
        " complete), 1 when it was refused, 2 when windows stay open or it failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", required=True, metavar="KEY", help="such as za_etenders")
        parser.add_argument("--from", dest="start", default="", metavar="DAY", help="2026-03-01")
        parser.add_argument("--to", dest="end", default="", metavar="DAY", help="… and all of it")
        parser.add_argument(
            "--max-enrichment", type=int, default=MOST_ENRICHMENT, metavar="N", help="0 to 300"
        )
        parser.add_argument("--wait", action="store_true", help="watch it until it has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = find_source(options["source"])
            run = self._start(source, options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        if run is None:
            self.stdout.write("A backfill is under way; it takes this range too.")
            return
        self.stdout.write(f"Syncing {source.name} as {run.public_id}.")
        if options["wait"]:
            self._tell(watch_run(run))

    def _start(self, source: TenderSource, options: dict[str, Any]) -> Run | None:
        wish = {"actor": command_actor(), "max_enrichment": options["max_enrichment"]}
        if not options["start"] and not options["end"]:
            return request_sync(source, **wish)
        start, end = read_range(source, options["start"], options["end"])
        return request_backfill(source, start=start, end=end, **wish)

    def _tell(self, run: Run) -> None:
        if run.status != RunStatus.COMPLETED:
            raise CommandError(outcome(run), returncode=NOT_COMPLETE)
        log: dict[str, Any] = run.output or {}
        words = summing.in_words(log)
        if log["outcome"] != summing.SUCCESS:
            problems = "; ".join(log["problems"])
            raise CommandError(f"{words}. {problems}", returncode=NOT_COMPLETE)
        self.stdout.write(self.style.SUCCESS(words))

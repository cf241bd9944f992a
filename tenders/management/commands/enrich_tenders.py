"""`manage.py enrich_tenders --source KEY [--from DAY --to DAY] | --ocid OCID [--force]`: fill in what is lacking."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import NotFound, Refused
from jobs.models import Run
from jobs.states import RunStatus
from jobs.watching import outcome, watch_run
from tenders.actions import request_enrichment, request_enrichment_of
from tenders.actions.enriching import MOST_OF_A_RANGE
from tenders.actions.sources import find_source
from tenders.enriching.workflows import today_of
from tenders.models import Tender
from tenders.ranges import read_range


class Command(BaseCommand):
    help = (
        "Enrich the tenders of today, of a range of days (the newest first), or single ones. Exits with 0 when it was"
        " started (with --wait: ended), 1 when it was refused or failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", default="", metavar="KEY", help="such as za_etenders")
        parser.add_argument("--today", action="store_true", help="those published today")
        parser.add_argument("--from", dest="start", default="", metavar="DAY", help="2026-03-01")
        parser.add_argument("--to", dest="end", default="", metavar="DAY", help="… and all of it")
        parser.add_argument(
            "--ocid", action="append", default=[], metavar="OCID", help="a single one; repeatable"
        )
        parser.add_argument("--force", action="store_true", help="also what has been enriched")
        parser.add_argument("--max", type=int, default=MOST_OF_A_RANGE, metavar="N")
        parser.add_argument("--wait", action="store_true", help="watch it until it has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self._start(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Enriching as {run.public_id}.")
        if options["wait"]:
            watch_run(run)
            if run.status != RunStatus.COMPLETED:
                raise CommandError(outcome(run))
            counts = ", ".join(f"{count} {name}" for name, count in (run.output or {}).items())
            self.stdout.write(self.style.SUCCESS(counts or "Nothing lacked anything."))

    def _start(self, options: dict[str, Any]) -> Run:
        actor = command_actor()
        if options["ocid"]:
            tenders = [_tender(ocid) for ocid in options["ocid"]]
            return request_enrichment(tenders, actor=actor, force=options["force"])
        source = find_source(options["source"])
        if options["today"] or not (options["start"] or options["end"]):
            start, end = today_of(source)
        else:
            start, end = read_range(source, options["start"], options["end"])
        return request_enrichment_of(source, start=start, end=end, actor=actor, most=options["max"])


def _tender(ocid: str) -> Tender:
    found = Tender.objects.of_processes([ocid]).first()
    if found is None:
        raise NotFound(f"There is no tender {ocid!r}.", field="ocid", value=ocid)
    return found

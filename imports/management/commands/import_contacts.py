"""`manage.py import_contacts FILE`: load a CSV file of contacts as a durable run."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from imports.actions import start_import
from imports.models import ImportBatch, ImportRejection
from jobs.models import Run
from jobs.watching import watch_run

SHOWN_ISSUES = 10
FAILED = 2


class Command(BaseCommand):
    help = (
        "Import contacts from a CSV file. Exits with 0 when the run was started (with --wait: has "
        "completed), 1 when the file was refused, 2 when the run failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV with a header row")
        parser.add_argument("--list", metavar="NAME", default="", help="put everybody on this list")
        parser.add_argument(
            "--consent-source", metavar="TEXT", default="", help="where they agreed"
        )
        parser.add_argument("--consent-wording", metavar="TEXT", default="", help="to which words")
        parser.add_argument("--default-region", metavar="ZA", default="", help="of phone numbers")
        parser.add_argument("--wait", action="store_true", help="watch it until it has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            batch = self._start(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        assert batch.run is not None
        self.stdout.write(
            f"Importing {batch.row_count:,} rows of {batch.file_name} ({batch.encoding}) "
            f"as {batch.run.public_id}."
        )
        if options["wait"]:
            watch_run(batch.run)
            self._tell(batch)

    def _start(self, options: dict[str, Any]) -> ImportBatch:
        path: Path = options["file"]
        if not path.is_file():
            raise Refused(f"There is no file {path}.", field="file", remedy="Check the path.")
        return start_import(
            path,
            actor=command_actor(),
            list_name=options["list"],
            consent_source=options["consent_source"],
            consent_wording=options["consent_wording"],
            default_region=options["default_region"],
        )

    def _tell(self, batch: ImportBatch) -> None:
        batch.refresh_from_db()
        for issue in first_issues(batch):
            self.stdout.write(f"  line {issue.line}: {issue.message} {shown(issue)}".rstrip())
        if batch.run is None or batch.run.status != Run.Status.COMPLETED:
            raise CommandError(f"The import ended early. {why(batch)}", returncode=FAILED)
        self.stdout.write(self.style.SUCCESS(summary(batch)))


def first_issues(batch: ImportBatch) -> list[ImportRejection]:
    """Return the first rows that were rejected, then the first values that were left out."""
    return list(batch.rejections.order_by("-is_whole_row", "line", "pk")[:SHOWN_ISSUES])


def shown(issue: ImportRejection) -> str:
    return f"[{issue.column}: {issue.value!r}]" if issue.column else f"[{issue.value!r}]"


def why(batch: ImportBatch) -> str:
    run = batch.run
    error = (run.error or {}) if run else {}
    return f"{error.get('message', '')} {batch.total:,} of {batch.row_count:,} rows are done."


def summary(batch: ImportBatch) -> str:
    parts = [
        f"{batch.total:,} rows: {batch.created:,} created, {batch.updated:,} updated, "
        f"{batch.unchanged:,} unchanged, {batch.rejected:,} rejected."
    ]
    if batch.values_left_out:
        parts.append(f"{batch.values_left_out:,} values left out.")
    if batch.consent_source:
        parts.append(f"{batch.consents_given:,} gave consent.")
    if batch.consents_kept_withdrawn:
        parts.append(f"{batch.consents_kept_withdrawn:,} had withdrawn it and keep it so.")
    return " ".join(parts)

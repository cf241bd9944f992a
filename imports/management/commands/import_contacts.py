"""`manage.py import_contacts FILE`: load a file of contacts as a durable run."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from imports.actions import create_batch, store_path
from imports.models import CsvBatch
from imports.states import BatchStatus, Go
from imports.terminal import issues_of, summary, watch_batch, why

FAILED = 2


class Command(BaseCommand):
    help = (
        "Import contacts from a file. Exits with 0 when the import was started (with --wait: has "
        "completed), 1 when the file was refused, 2 when the import failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a table with a header row")
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
        self.stdout.write(f"Importing {batch.file_name} as {batch.public_id}.")
        if options["wait"]:
            watch_batch(batch)
            self._tell(batch)

    def _start(self, options: dict[str, Any]) -> CsvBatch:
        path: Path = options["file"]
        if not path.is_file():
            raise Refused(f"There is no file {path}.", field="file", remedy="Check the path.")
        return create_batch(
            store_path(path),
            file_name=path.name,
            target="contacts",
            actor=command_actor(),
            go=Go.IMPORT,
            options={
                "list_name": options["list"],
                "consent_source": options["consent_source"],
                "consent_wording": options["consent_wording"],
                "default_region": options["default_region"],
            },
        )

    def _tell(self, batch: CsvBatch) -> None:
        for line in issues_of(batch):
            self.stdout.write(f"  {line}")
        if batch.status != BatchStatus.COMPLETED:
            raise CommandError(f"The import ended early. {why(batch)}", returncode=FAILED)
        self.stdout.write(self.style.SUCCESS(summary(batch)))

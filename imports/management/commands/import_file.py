"""`manage.py import_file PATH --target contacts`: a file's whole way from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from imports import actions, targets
from imports.models import CsvBatch
from imports.previewing import read_as
from imports.reports import error_file
from imports.states import BadValues, BatchStatus, Duplicates, Go, Mode
from imports.storage import store_path
from imports.terminal import issues_of, summary, watch_batch, why
from imports.wishes import columns_as_told, options_as_told, overrides_as_told

FAILED = 2
RULES = ("mode", "match", "duplicates", "bad_values")


class Command(BaseCommand):
    help = (
        "Import a spreadsheet. Exits with 0 when the import was started (with --wait: has ended, "
        "rows that failed being told), 1 when it was refused, 2 when it failed or was cancelled."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="PATH", type=Path, help="CSV, TSV, XLSX, XLSB, XLS or ODS"
        )
        parser.add_argument(
            "--target",
            required=True,
            help="what the rows become, such as contacts",
        )
        parser.add_argument(
            "--map",
            metavar="COLUMN=FIELD",
            action="append",
            default=[],
            help="what a column means: Heading=email, or #3=phone by place; nothing after = leaves it out",
        )
        parser.add_argument(
            "--set",
            metavar="OPTION=VALUE",
            action="append",
            default=[],
            help="an option of the target, such as list_name=News",
        )
        parser.add_argument("--mode", choices=Mode.values, default="")
        parser.add_argument("--match", default="", metavar="FIELD", help="what rows are known by")
        parser.add_argument("--duplicates", choices=Duplicates.values, default=Duplicates.FIRST)
        parser.add_argument("--bad-values", choices=BadValues.values, default=BadValues.LEAVE_OUT)
        parser.add_argument("--encoding", help="where the guess is wrong")
        parser.add_argument("--delimiter", help="between values; tab is written \\t")
        parser.add_argument("--sheet", help="of a workbook")
        parser.add_argument(
            "--header-line", type=int, help="the line with the headings; 0: there is none"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="check every row, change nothing"
        )
        parser.add_argument("--wait", action="store_true", help="watch it until it has ended")
        parser.add_argument(
            "--errors", type=Path, metavar="PATH", help="with --wait: write failed rows here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            batch = start(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        doing = "Checking" if options["dry_run"] else "Importing"
        self.stdout.write(f"{doing} {batch.file_name} as {batch.public_id}.")
        if options["wait"]:
            watch_batch(batch)
            self._tell(batch, errors=options["errors"])

    def _tell(self, batch: CsvBatch, *, errors: Path | None) -> None:
        for line in issues_of(batch):
            self.stdout.write(f"  {line}")
        if errors and batch.failed:
            errors.write_text("".join(error_file(batch)), encoding="utf-8", newline="")
            self.stdout.write(f"{batch.failed:,} failed rows are in {errors}.")
        if batch.status not in (BatchStatus.COMPLETED, BatchStatus.READY):
            status = batch.get_status_display().lower()
            raise CommandError(f"The import is {status}. {why(batch)}", returncode=FAILED)
        self.stdout.write(self.style.SUCCESS(summary(batch)))


def start(options: dict[str, Any]) -> CsvBatch:
    """Start what was asked for; raise Refused, changing nothing, where that may not be."""
    path: Path = options["file"]
    if not path.is_file():
        raise Refused(f"There is no file {path}.", field="file", remedy="Check the path.")
    target = targets.get(options["target"])
    overrides = overrides_as_told(options)
    file = store_path(path)
    header = read_as(file, target=target, overrides=overrides).header if options["map"] else []
    return actions.create_batch(
        file,
        target=target.name,
        file_name=path.name,
        actor=command_actor(),
        columns=columns_as_told(options["map"], header=header, target=target),
        overrides=overrides,
        options=options_as_told(options["set"], target=target),
        go=Go.CHECK if options["dry_run"] else Go.IMPORT,
        **{name: options[name] for name in RULES},
    )

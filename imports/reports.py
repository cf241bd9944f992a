"""What came of an import, for people: counts, reasons, and a file of the rows that were not taken."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from django.db.models import Count, Min

from imports.mapping import ERROR_COLUMNS
from imports.models import CsvBatch, CsvRow
from imports.rows import escaped, unescaped
from imports.staging import open_staged, read_at, rows_path
from imports.states import RowStatus

SHOWN_ISSUES = 50
COUNTS = (
    *("total", "processed", "pending", "succeeded", "created", "updated", "unchanged"),
    *("skipped", "failed", "warned", "undone", "not_undone"),
)


@dataclass(frozen=True)
class Reason:
    """A kind of problem: how many rows have it, what became of them, and its words in one of them."""

    code: str
    status: str
    count: int
    message: str


@dataclass(frozen=True)
class Report:
    """What came of an import so far."""

    counts: dict[str, int]
    reasons: list[Reason]
    first_issues: list[CsvRow]


def report(batch: CsvBatch) -> Report:
    """Return what came of an import so far."""
    return Report(
        counts={name: getattr(batch, name) for name in COUNTS},
        reasons=reasons(batch),
        first_issues=first_issues(batch),
    )


def reasons(batch: CsvBatch) -> list[Reason]:
    """Return why rows, or values of them, were not taken; the most frequent reason first."""
    found = (
        batch.rows.exclude(error_code="")
        .values("error_code", "status")
        .annotate(number=Count("pk"), message=Min("error_message"))
        .order_by("-number", "error_code")
    )
    return [
        Reason(each["error_code"], each["status"], each["number"], each["message"])
        for each in found
    ]


def first_issues(batch: CsvBatch, *, limit: int = SHOWN_ISSUES) -> list[CsvRow]:
    """Return the first rows with a problem: those that failed, then the others."""
    troubled = batch.rows.exclude(error_code="")
    failed = list(troubled.failed().order_by("number")[:limit])
    others = troubled.exclude(status=RowStatus.FAILED).order_by("number")
    return [*failed, *others[: limit - len(failed)]]


def error_file_name(batch: CsvBatch) -> str:
    stem = batch.file_name.rpartition(".")[0] or batch.file_name
    return f"{stem} errors.csv"


def error_file(batch: CsvBatch, *, with_warnings: bool = False) -> Iterator[str]:
    """Yield CSV: the rows that failed, in the columns of the file, and what is wrong with each.

    Ready to be corrected and uploaded again: our own columns are left out then. No cell can be taken for a formula;
    the mark against that is taken off again by the import.
    """
    rows = batch.rows.exclude(error_code="") if with_warnings else batch.rows.failed()
    header = [each for each in batch.header if each not in ERROR_COLUMNS]
    was_escaped = "_error" in batch.header
    yield "\ufeff" + _line([*map(escaped, header), *ERROR_COLUMNS])
    with open_staged(rows_path(batch)) as file:
        for row in rows.order_by("number").iterator(chunk_size=2_000):
            staged = read_at(file, number=row.number, offset=row.offset)
            cells = list(map(unescaped, staged.cells)) if was_escaped else staged.cells
            # Values beyond the last column stand behind the reason, so that none is lost.
            cells, beyond = cells[: len(header)], cells[len(batch.header) :]
            cells += [""] * (len(header) - len(cells))
            problem = [str(row.line), row.error_column, row.error_code, row.error_message]
            yield _line(map(escaped, [*cells, *problem, *beyond]))


def _line(cells: Iterable[str]) -> str:
    out = StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()

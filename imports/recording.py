"""What became of rows, written beside their effect: records of rows, and the counts of their import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import F

from core.bulk import insert_rows
from imports.deciding import Outcome
from imports.models import CsvBatch, CsvRow
from imports.states import Effect, RowStatus
from imports.targets import Issue

COLUMNS = (
    *("batch", "number", "line", "offset", "status", "effect", "attempts"),
    *("error_code", "error_column", "error_value", "error_message", "issues"),
    *("object_id", "before", "after", "added", "undo"),
)


class Halted(Exception):
    """The import was paused or cancelled meanwhile: what was about to be written must not be."""


def insert_outcomes(batch: CsvBatch, outcomes: Sequence[Outcome]) -> None:
    """Write the records of rows."""
    insert_rows(CsvRow, COLUMNS, [(batch.pk, *_values(outcome)) for outcome in outcomes])


def count(
    batch: CsvBatch,
    outcomes: Sequence[Outcome],
    *,
    while_status: str = "",
    at_row: int = 0,
    **changes: Any,
) -> None:
    """Add rows to the counts of their import, with other changes.

    Raises Halted where the import has left `while_status`, or another run has written `at_row` already.
    """
    found = CsvBatch.objects.filter(pk=batch.pk)
    if while_status:
        found = found.filter(status=while_status)
    if at_row:
        found = found.filter(next_row=at_row)
    added = {name: F(name) + number for name, number in tally(outcomes).items() if number}
    if not found.update(**added, **changes):
        raise Halted(batch.public_id)


def tally(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return what to add to each count of an import."""
    statuses = Counter(outcome.status for outcome in outcomes)
    effects = Counter(outcome.effect for outcome in outcomes)
    return {
        "processed": len(outcomes),
        "succeeded": statuses[RowStatus.SUCCEEDED],
        "unchanged": statuses[RowStatus.UNCHANGED],
        "skipped": statuses[RowStatus.SKIPPED],
        "failed": statuses[RowStatus.FAILED],
        "created": effects[Effect.CREATED],
        "updated": effects[Effect.UPDATED],
        "warned": sum(is_warned(outcome) for outcome in outcomes),
    }


def pace(batch: CsvBatch, *, rows: int, seconds: float) -> dict[str, Any]:
    """Return the rate after some more rows, smoothed, and how long the rest takes at it."""
    latest = rows / max(seconds, 0.001)
    rate = latest if batch.rate is None else 0.7 * batch.rate + 0.3 * latest
    return {"rate": rate, "seconds_left": round(max(batch.pending - rows, 0) / max(rate, 0.001))}


def is_warned(outcome: Outcome) -> bool:
    """Whether a row was kept with something left out of it."""
    return outcome.status != RowStatus.FAILED and bool(outcome.record.issues)


def problems(outcome: Outcome) -> list[Issue]:
    """Return everything that is wrong with a row, what decided its status first."""
    return [*([outcome.error] if outcome.error else []), *outcome.record.issues]


def fields_of(issue: Issue) -> dict[str, str]:
    """Return an issue as a record of a row keeps it."""
    return {
        "error_code": issue.code,
        "error_column": issue.column[:200],
        "error_value": issue.value.strip()[:200],
        "error_message": issue.message[:500],
    }


def _values(outcome: Outcome) -> tuple[Any, ...]:
    record = outcome.record
    found = problems(outcome)
    first = fields_of(found[0]) if found else NO_ERROR
    return (
        record.number,
        record.line,
        record.offset,
        outcome.status.value,
        outcome.effect.value,
        1,
        *first.values(),
        [issue._asdict() for issue in found] if len(found) > 1 else None,
        outcome.object_id,
        outcome.before,
        outcome.after,
        outcome.added,
        "",
    )


NO_ERROR = fields_of(Issue("", "", "", ""))

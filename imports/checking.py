"""The dry run: what an import would do, counted row by row, with nothing written but the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from core.errors import Refused
from imports import targets
from imports.ahead import ReadingAhead
from imports.deciding import Outcome
from imports.models import CsvBatch
from imports.recording import problems
from imports.states import BatchStatus, Effect, RowStatus
from imports.targets import Change, Issue, Record, Target
from jobs.context import RunContext

SHOWN = 50
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("create", "update", "unchanged", "skip", "reject", "warn"), 0),
    "reasons": {},
    "diffs": [],
    "issues": [],
}


def check_chunk(batch: CsvBatch, run: RunContext, ahead: ReadingAhead) -> bool:
    """Look at the next rows and add them to the result; return whether there were any."""
    if batch.next_row > batch.total:
        return False
    rows, end = ahead.read(number=batch.next_row, offset=batch.next_offset)
    ahead.begin(number=batch.next_row + len(rows), offset=end)
    planned = ahead.chunks.plan(rows)
    result = added_up(batch.check_result or EMPTY, planned)
    with transaction.atomic():
        CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.CHECKING).update(
            check_result=result, next_row=batch.next_row + len(rows), next_offset=end
        )
        run.renew()
    return True


def finish(batch: CsvBatch) -> None:
    """Let a person decide by what was found."""
    CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.CHECKING).update(
        status=BatchStatus.READY, next_row=1, next_offset=0
    )


def added_up(result: dict[str, Any], planned: Sequence[Outcome | Change]) -> dict[str, Any]:
    """Return a result with some more rows in it."""
    total = {**result, "diffs": [*result["diffs"]], "issues": [*result["issues"]]}
    reasons = Counter(result["reasons"])
    for each in planned:
        total[_word(each)] += 1
        found = _problems(each)
        total["warn"] += bool(each.record.issues) and not _is_rejected(each)
        reasons.update(issue.code for issue in found[:1])
        _show(total, each, found)
    return {**total, "reasons": dict(reasons)}


def _word(each: Outcome | Change) -> str:
    if isinstance(each, Outcome):
        return "reject" if _is_rejected(each) else "skip"
    words = {Effect.CREATED: "create", Effect.UPDATED: "update", Effect.NONE: "unchanged"}
    return words[each.effect]


def _is_rejected(each: Outcome | Change) -> bool:
    return isinstance(each, Outcome) and each.status == RowStatus.FAILED


def _problems(each: Outcome | Change) -> list[Issue]:
    return problems(each) if isinstance(each, Outcome) else each.record.issues


def _show(total: dict[str, Any], each: Outcome | Change, found: list[Issue]) -> None:
    """Keep the first rows that would change something, and the first with a problem."""
    record = each.record
    if isinstance(each, Change) and each.effect == Effect.UPDATED and len(total["diffs"]) < SHOWN:
        total["diffs"].append(_diff(each, record))
    if found and len(total["issues"]) < SHOWN:
        total["issues"].append({"line": record.line, **found[0]._asdict()})


def _diff(change: Change, record: Record) -> dict[str, Any]:
    stands = change.standing.values if change.standing else {}
    changes = {name: [stands.get(name), value] for name, value in change.values.items()}
    return {"line": record.line, "label": record.key, "changes": changes}


def can_be_checked(batch: CsvBatch) -> bool:
    """Whether a dry run can tell what rows do; what a paid service would say, nobody knows before it is paid."""
    return not targets.get(batch.target).is_paced


def require_checkable(target: Target) -> None:
    """Refuse a dry run of rows that call a service."""
    if target.is_paced:
        raise Refused(
            f"Rows of {target.title.lower()} cannot be checked: each calls a service.",
            field="target",
            value=target.name,
            remedy="Start the import; each row says what came of it.",
        )

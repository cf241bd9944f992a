"""Taking an import back, row by row: what was edited since stays, and is named."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import F

from core import audit, clock
from imports import targets
from imports.bulk import job_of
from imports.deciding import fingerprint
from imports.models import CsvBatch, CsvRow
from imports.states import BatchStatus, Effect, UndoOutcome
from imports.targets import BulkTarget, Standing, Undone

CHUNK_ROWS = 1_000


def undo_rows(batch: CsvBatch) -> int:
    """Take back the next rows, the last ones first, in the caller's transaction; return how many were looked at."""
    rows = list(batch.rows.undoable().order_by("-number")[:CHUNK_ROWS])
    if not rows:
        return 0
    target = targets.get(batch.target)
    assert isinstance(target, BulkTarget)
    ids = [row.object_id for row in rows]
    standing = target.find(ids, match="id", options=batch.options, lock=True)
    untouched = [row for row in rows if _is_untouched(row, standing.get(row.object_id))]
    with transaction.atomic():
        kept = target.revert([_undone(row) for row in untouched], job=job_of(batch))
    taken_back = {row.number for row in untouched} - kept
    _mark(batch, taken_back, UndoOutcome.UNDONE)
    _mark(batch, {row.number for row in rows} - taken_back, UndoOutcome.EDITED)
    CsvBatch.objects.filter(pk=batch.pk).update(
        undone=F("undone") + len(taken_back),
        not_undone=F("not_undone") + len(rows) - len(taken_back),
    )
    return len(rows)


def finish(batch: CsvBatch) -> None:
    """Mark an import as taken back, once every row has been looked at."""
    with transaction.atomic():
        undoing = CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.UNDOING)
        finished = undoing.update(status=BatchStatus.UNDONE, finished_at=clock.now())
        batch.refresh_from_db()
        if finished:
            counts = {"undone": batch.undone, "not_undone": batch.not_undone}
            audit.record("import.undone", batch, actor=batch.actor, **counts)


def _is_untouched(row: CsvRow, standing: Standing | None) -> bool:
    """Whether a thing is as its row left it; one that was only given something may have changed otherwise."""
    if standing is None:
        return False
    return not row.effect or fingerprint(standing.values) == row.after


def _undone(row: CsvRow) -> Undone:
    return Undone(
        row.number, row.object_id, Effect(row.effect), row.before or {}, row.after, row.added
    )


def _mark(batch: CsvBatch, numbers: Collection[int], outcome: UndoOutcome) -> None:
    batch.rows.filter(number__in=numbers).update(undo=outcome)

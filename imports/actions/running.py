"""What may be done with an import that is described: check it, start, pause, resume and cancel it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from core import audit, clock
from core.errors import Conflict
from imports import moves, targets
from imports.checking import require_checkable
from imports.mapping import require_key
from imports.models import CsvBatch
from imports.states import OPEN, BatchStatus

UNTOUCHED: dict[str, Any] = {"next_row": 1, "next_offset": 0}


def start_check(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """Find out what an import would do, row by row, and write nothing."""
    require_checkable(targets.get(batch.target))
    require_described(batch)
    return moves.move(
        batch,
        BatchStatus.CHECKING,
        out_of=OPEN,
        actor=actor,
        verb="import.check_started",
        workflow=moves.CHECK,
        check_result=None,
        **UNTOUCHED,
    )


def start_batch(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """Write the rows of an import, whether or not it was checked."""
    require_described(batch)
    return moves.move(
        batch,
        BatchStatus.IMPORTING,
        out_of=OPEN,
        actor=actor,
        verb="import.started",
        workflow=moves.loading(batch),
        detail={"rows": batch.total},
        started_at=clock.now(),
        **UNTOUCHED,
    )


def pause_batch(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """Hold an import before its next rows."""
    return moves.move(
        batch,
        BatchStatus.PAUSED,
        out_of=(BatchStatus.IMPORTING,),
        actor=actor,
        verb="import.paused",
        seconds_left=None,
    )


@transaction.atomic
def resume_batch(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """Go on at the next row: after a pause, after a failure, or when its run was ended by other hands.

    One that was being undone does not go on importing: raises Conflict, and `undo_batch` goes on with that.
    """
    out_of = [BatchStatus.PAUSED]
    batch.refresh_from_db()
    if why := why_not_resumed(batch):
        raise Conflict(
            why,
            field="status",
            value=batch.status,
            remedy="Undo it: that goes on where it stopped.",
            code="undo_begun",
        )
    if batch.started_at is not None:
        out_of.append(BatchStatus.FAILED)
    if moves.has_lost_its_run(batch):
        out_of.append(BatchStatus.IMPORTING)
    return moves.move(
        batch,
        BatchStatus.IMPORTING,
        out_of=out_of,
        actor=actor,
        verb="import.resumed",
        workflow=moves.loading(batch),
        finished_at=None,
    )


def why_not_resumed(batch: CsvBatch) -> str:
    """Return why an import cannot go on at its next row although it has stopped before its end, or nothing."""
    if batch.status != BatchStatus.FAILED or not moves.was_being_undone(batch):
        return ""
    return f"The import of {batch.file_name} was being undone when it failed."


def cancel_batch(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """End an import before its next rows; what is written stays until it is undone."""
    return moves.move(
        batch,
        BatchStatus.CANCELLED,
        out_of=(
            BatchStatus.READING,
            BatchStatus.MAPPING,
            BatchStatus.CHECKING,
            BatchStatus.READY,
            BatchStatus.IMPORTING,
            BatchStatus.PAUSED,
            BatchStatus.FAILED,
        ),
        actor=actor,
        verb="import.cancelled",
        finished_at=clock.now(),
        seconds_left=None,
    )


def cancel_abandoned(before: datetime) -> int:
    """End imports that have waited for a person since before a moment; nothing of them was written. Return how many."""
    waiting = CsvBatch.objects.filter(status__in=OPEN, created_at__lt=before)
    abandoned = list(waiting.exclude(run__finished_at__gte=before))
    for batch in abandoned:
        cancel_batch(batch, actor=audit.SYSTEM)
    return len(abandoned)


def require_described(batch: CsvBatch) -> None:
    """Refuse to go on while nobody has said what the columns mean, or an option that the target must know."""
    batch.refresh_from_db()
    if batch.status in OPEN and not batch.columns:
        raise Conflict(
            "Nobody has said yet what the columns mean.",
            field="columns",
            value=[],
            remedy="Map the columns first.",
        )
    target = targets.get(batch.target)
    if batch.columns:
        require_key(target, batch.columns, match=batch.match)
    target.clean_options(batch.options, actor=batch.actor)

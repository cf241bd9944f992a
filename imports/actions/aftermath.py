"""What may be done with an import that has ended: try its failed rows again, or take it back."""

from __future__ import annotations

from django.db import transaction

from core import audit, clock
from core.errors import Conflict, Refused
from imports import moves, targets
from imports.copies import require_copies
from imports.models import CsvBatch
from imports.staging import copy_rows, rows_path
from imports.states import BatchStatus
from imports.targets import BulkTarget

ENDED = (BatchStatus.COMPLETED, BatchStatus.CANCELLED, BatchStatus.FAILED)
#: A second try that ended so is no reason against another.
CAME_TO_NOTHING = (BatchStatus.CANCELLED, BatchStatus.UNDONE)
COPIED = (
    *("file", "file_name", "target", "layout", "header", "overrides", "columns"),
    *("mode", "match", "duplicates", "bad_values", "options"),
)


def retry_failed(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """Import the rows that failed once more, as an import of their own; return that.

    Once: raises Conflict where that is under way or done, so that no row is paid for twice by two clicks.
    """
    batch.refresh_from_db()
    if batch.status not in ENDED or not batch.failed:
        raise Conflict(
            f"The import of {batch.file_name} is {batch.get_status_display().lower()},"
            f" and {batch.failed:,} rows of it have failed.",
            field="status",
            value=batch.status,
            remedy="Only failed rows of an import that has ended can be tried again.",
        )
    require_copies(batch)
    _require_first_try(batch)
    child = CsvBatch(parent=batch, actor=actor, status=BatchStatus.IMPORTING)
    for name in COPIED:
        setattr(child, name, getattr(batch, name))
    offsets = batch.rows.failed().order_by("number").values_list("offset", flat=True)
    child.total = copy_rows(rows_path(batch), rows_path(child), offsets.iterator())
    child.started_at = clock.now()
    with transaction.atomic():
        _require_first_try(CsvBatch.objects.select_for_update().get(pk=batch.pk))
        child.save(force_insert=True)
        audit.record("import.retried", batch, actor=actor, rows=child.total)
        moves.start(child, moves.loading(child), actor=actor)
    return child


def undo_batch(batch: CsvBatch, *, actor: str) -> CsvBatch:
    """Take back what an import has written; rows that were edited since stay, and are named.

    One whose undoing failed, or was ended by other hands, goes on where it stopped.
    """
    if why := why_never_undone(batch):
        raise Refused(
            why, field="target", value=batch.target, remedy="Correct the rows where they are."
        )
    batch.refresh_from_db()
    stopped = (BatchStatus.UNDOING,) if moves.has_lost_its_run(batch) else ()
    return moves.move(
        batch,
        BatchStatus.UNDOING,
        out_of=(*ENDED, *stopped),
        actor=actor,
        verb="import.undo_started",
        workflow=moves.UNDO,
    )


def tried_again_in(batch: CsvBatch) -> CsvBatch | None:
    """Return the import in which this one's failed rows are tried again, or were."""
    return batch.retries.exclude(status__in=CAME_TO_NOTHING).order_by("-pk").first()


def why_never_undone(batch: CsvBatch) -> str:
    """Return why imports of this kind cannot be taken back, or nothing."""
    target = targets.get(batch.target)
    if isinstance(target, BulkTarget):
        return ""
    return f"Imports of {target.title.lower()} cannot be taken back."


def _require_first_try(batch: CsvBatch) -> None:
    if again := tried_again_in(batch):
        raise Conflict(
            f"Its failed rows are tried again already, in {again.public_id}.",
            field="status",
            value=again.status,
            remedy="Go on there: resume it, or try again what failed in it.",
            code="tried_again",
        )

"""Moving an import from one status to another: compare and swap, with its audit entry and its run."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from imports import targets
from imports.copies import require_copies
from imports.models import CsvBatch
from imports.states import BatchStatus
from jobs.actions import start_run

READ, CHECK, LOAD, PACE, UNDO = (
    "imports.read",
    "imports.check",
    "imports.load",
    "imports.pace",
    "imports.undo",
)


@transaction.atomic
def move(
    batch: CsvBatch,
    to: BatchStatus,
    *,
    out_of: Collection[BatchStatus],
    actor: str,
    verb: str,
    workflow: str = "",
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> CsvBatch:
    """Move an import on and start the run that does its work; raise Conflict where it stands elsewhere.

    One whose copies of people are deleted goes nowhere any more.
    """
    found = CsvBatch.objects.filter(pk=batch.pk, status__in=out_of, forgotten_at=None)
    moved = found.update(status=to, problem=None, **changes)
    batch.refresh_from_db()
    if not moved:
        require_copies(batch)
        raise Conflict(
            f"The import of {batch.file_name} is {batch.get_status_display().lower()}.",
            field="status",
            value=batch.status,
            remedy=f"This is possible while it is {' or '.join(out_of)}.",
        )
    audit.record(verb, batch, actor=actor, **(detail or {}))
    if workflow:
        start(batch, workflow, actor=actor)
    return batch


def start(batch: CsvBatch, workflow: str, *, actor: str) -> None:
    """Start the run that works on an import, in the caller's transaction; an earlier one stops by itself."""
    batch.run = start_run(workflow, input={"batch": batch.public_id}, actor=actor)
    CsvBatch.objects.filter(pk=batch.pk).update(run=batch.run)


def was_being_undone(batch: CsvBatch) -> bool:
    """Whether the last that was done with an import was to take it back."""
    return batch.run is not None and batch.run.workflow == UNDO


def has_lost_its_run(batch: CsvBatch) -> bool:
    """Whether nobody works on an import any more, such as when its run was cancelled on the run's own page."""
    return batch.run is not None and batch.run.is_over


def loading(batch: CsvBatch) -> str:
    """Return the workflow that imports rows of this target."""
    return PACE if targets.get(batch.target).is_paced else LOAD


def problem_of(refusal: Refused) -> dict[str, Any]:
    """Return a refusal as an import keeps it."""
    return {
        "message": refusal.message,
        "remedy": refusal.remedy,
        "field": refusal.field,
        "code": refusal.code,
    }

"""What people and code may do to runs: start, cancel, retry."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from core import audit, clock
from core.errors import Conflict
from jobs import wakeup
from jobs.models import Run, Step
from jobs.starting import start_run
from jobs.states import RunStatus, StepStatus

__all__ = ["cancel_run", "retry_run", "start_run"]


def cancel_run(run: Run, *, actor: str) -> Run:
    """End a run: at once when no worker drives it, else at its next checkpoint. Raises Conflict when it is over."""
    with transaction.atomic():
        alive = Run.objects.filter(pk=run.pk)
        ended = alive.filter(
            status__in=[RunStatus.READY, RunStatus.WAITING, RunStatus.CLAIMED]
        ).update(
            status=RunStatus.CANCELLED,
            finished_at=clock.now(),
            cancel_requested_at=clock.now(),
            cancel_requested_by=actor,
            worker_id=None,
            lease_until=None,
        )
        asked = not ended and alive.filter(status=RunStatus.RUNNING).update(
            cancel_requested_at=clock.now(), cancel_requested_by=actor
        )
        run.refresh_from_db()
        if not ended and not asked:
            raise Conflict(
                f"Run {run.public_id} is {run.get_status_display().lower()} already.",
                field="status",
                value=run.status,
            )
        audit.record("run.cancel", run, actor=actor)
    return run


def retry_run(run: Run, *, actor: str) -> Run:
    """Put a failed run back in the queue; its completed steps stay. Raises Conflict unless it is failed."""
    with transaction.atomic():
        changed = Run.objects.filter(pk=run.pk, status=RunStatus.FAILED).update(
            status=RunStatus.READY,
            error=None,
            finished_at=None,
            crashes=0,
            attempts=0,
            cancel_requested_at=None,
            cancel_requested_by="",
            sort_at=clock.now(),
        )
        if not changed:
            run.refresh_from_db()
            raise Conflict(
                f"Run {run.public_id} is {run.get_status_display().lower()}.",
                field="status",
                value=run.status,
                remedy="Only a failed run can be retried.",
            )
        unfinished = Q(status=StepStatus.FAILED) | Q(status=StepStatus.RETRYING)
        Step.objects.filter(unfinished, run=run).update(status=StepStatus.RETRYING, attempts=0)
        audit.record("run.retry", run, actor=actor)
        wakeup.notify(run.queue)
    run.refresh_from_db()
    return run

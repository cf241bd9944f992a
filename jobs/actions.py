"""What people and code may do to runs: start, cancel, pause, resume, wake, retry, replay, dismiss."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import audit, clock
from core.errors import Conflict
from jobs import bulk, children, endings, limits, registry, slots, wakeup
from jobs.flow import throttle_key
from jobs.models import Run, Step
from jobs.replaying import replay_run
from jobs.starting import FRESH, start_run, start_runs
from jobs.states import AT_REST, RunStatus, StepKind, StepStatus

__all__ = [
    "cancel_run",
    "dismiss_run",
    "pause_run",
    "pause_starts",
    "replay_run",
    "resume_run",
    "retry_run",
    "start_run",
    "start_runs",
    "wake_run",
]


@transaction.atomic
def cancel_run(run: Run, *, actor: str) -> Run:
    """End a run and its children: at once where no worker drives them, else at their next checkpoint.

    Raises Conflict when it is over.
    """
    if not endings.request_cancel(run, by=actor):
        raise _conflict(run, "It has ended already.")
    return _changed(run, "run.cancel", actor)


@transaction.atomic
def pause_run(run: Run, *, actor: str) -> Run:
    """Let a run rest until it is resumed: at once where no worker drives it, else from its next checkpoint on.

    Its children go on. Raises Conflict when it is over or rests already.
    """
    slots.lock()
    one = Run.objects.filter(pk=run.pk)
    resting = one.filter(status__in=AT_REST - {RunStatus.PAUSED} | {RunStatus.CLAIMED})
    at_once = {"status": RunStatus.PAUSED, "worker_id": None, "lease_until": None, "blocked_by": ""}
    asked = one.filter(status=RunStatus.RUNNING, pause_requested_at__isnull=True)
    if not resting.update(**at_once) and not asked.update(pause_requested_at=clock.now()):
        raise _conflict(run, "Only a run that is under way can be paused.")
    for slot in run.slots:
        slots.free(slot)
    return _changed(run, "run.pause", actor)


@transaction.atomic
def resume_run(run: Run, *, actor: str) -> Run:
    """Let a paused run go on; what it waited for is looked at anew. Raises Conflict unless it is paused."""
    one = Run.objects.filter(pk=run.pk)
    paused = one.filter(status=RunStatus.PAUSED).update(status=RunStatus.READY, due_at=None)
    if not paused and not one.filter(pause_requested_at__isnull=False).update(
        pause_requested_at=None
    ):
        raise _conflict(run, "Only a paused run can be resumed.")
    wakeup.notify(run.queue)
    return _changed(run, "run.resume", actor)


def pause_starts(workflow: str, *, until: datetime, input: Mapping[str, Any] | None = None) -> None:
    """Let no run of a throttled workflow start before a moment: a provider said so. Never shortens an earlier pause.

    Where the throttle has a key, it is those that share it with `input`. Raises Conflict where there is no throttle.
    """
    throttle = registry.get(workflow).throttle
    if throttle is None:
        raise Conflict(
            f"{workflow} has no throttle.",
            field="workflow",
            value=workflow,
            remedy="Declare throttle=Throttle(…): its starts can then be held.",
        )
    seconds = (until - clock.now()).total_seconds()
    if seconds > 0:
        limits.pause_key(throttle_key(workflow, throttle, input or {}), seconds=seconds)


def wake_run(run: Run) -> bool:
    """Let a waiting run look again at what it waits for: a `sleep_until` takes its moment anew. False if none waits.

    One that is just being driven looks once more before it sleeps.
    """
    woken = bool(bulk.look_again([run.pk], bulk.BEGUN))
    if woken:
        wakeup.notify(run.queue)
    return woken


@transaction.atomic
def retry_run(run: Run, *, actor: str) -> Run:
    """Put a failed run back in the queue; its completed steps stay, and it begins under the code of its version.

    A parent that still waits for its other children waits for it, too. Raises Conflict unless it is failed, and where
    another run of a singleton has taken its place.
    """
    failed = Run.objects.filter(pk=run.pk, status=RunStatus.FAILED)
    again = {"status": RunStatus.READY, "sort_at": clock.now(), "deadline_at": _new_deadline(run)}
    try:
        with transaction.atomic():
            changed = failed.update(**again, **FRESH)
    except IntegrityError:
        raise _conflict(
            run, "Another run of this singleton is under way. Wait for its end."
        ) from None
    if not changed:
        raise _conflict(run, "Only a failed run can be retried.")
    children.count_again(run)
    unfinished = Q(status__in=[StepStatus.FAILED, StepStatus.RETRYING])
    unjoined = Q(status=StepStatus.WAITING, kind=StepKind.CHILDREN)  # they were cancelled with it
    Step.objects.filter(unfinished | unjoined, run=run).update(
        status=StepStatus.RETRYING, attempts=0, wake_at=None
    )
    wakeup.notify(run.queue)
    return _changed(run, "run.retry", actor)


@transaction.atomic
def dismiss_run(run: Run, *, actor: str) -> Run:
    """Take a failed run from the list of those that wait for a person. Raises Conflict unless it stands there."""
    letters = Run.objects.dead_letters().filter(pk=run.pk)
    if not letters.update(dismissed_at=clock.now(), dismissed_by=actor):
        raise _conflict(run, "Only a failed run that was not dismissed can be.")
    return _changed(run, "run.dismiss", actor)


def _new_deadline(run: Run) -> Any:
    """Return when a run that is taken up once more must be over: it has its whole time anew."""
    if run.deadline_at is None:
        return None
    return clock.now() + (run.deadline_at - run.created_at)


def _changed(run: Run, verb: str, actor: str) -> Run:
    audit.record(verb, run, actor=actor)
    run.refresh_from_db()
    return run


def _conflict(run: Run, remedy: str) -> Conflict:
    run.refresh_from_db()
    return Conflict(
        f"Run {run.public_id} is {run.get_status_display().lower()}.",
        field="status",
        value=run.status,
        remedy=remedy,
    )

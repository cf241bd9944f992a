"""Starting a run is inserting a row: nothing can be lost between a database and a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from core import clock
from core.errors import Refused
from jobs import limits, registry, wakeup
from jobs.events import standing
from jobs.flow import Overlap, Throttle, key_for
from jobs.models import Event, Run
from jobs.registry import Workflow
from jobs.states import ACTIVE, RunStatus

#: What a run forgets when it is taken up once more.
FRESH: dict[str, Any] = {
    "error": None,
    "failure": "",
    "finished_at": None,
    "crashes": 0,
    "attempts": 0,
    "cancel_requested_at": None,
    "cancel_requested_by": "",
    "pause_requested_at": None,
    "dismissed_at": None,
    "dismissed_by": "",
}


def start_run(
    workflow: str,
    *,
    input: Mapping[str, Any] | None = None,
    actor: str = "system",
    idempotency_key: str = "",
    due_at: datetime | None = None,
    priority: int = 0,
    queue: str = "main",
    event: Event | None = None,
) -> Run:
    """Insert a run in the caller's transaction; it is served once that commits, and not before `due_at`.

    A second start of the same workflow with the same `idempotency_key` returns the first run. `priority` moves the run
    forward in the queue by so many seconds. A start that a rate limit or a singleton does not allow is a run, too: it
    is skipped, and its `reason` says why. Raises NotFound for an unknown workflow, Refused for input that does not fit.
    """
    known = registry.get(workflow)
    if idempotency_key and (earlier := _started(workflow, idempotency_key)):
        return earlier
    run = draft_run(
        known,
        input=input or {},
        actor=actor,
        due_at=due_at,
        priority=priority,
        queue=queue,
        idempotency_key=idempotency_key,
    )
    run.event = event
    _ask_the_rate_limit(run, known)
    if run.status != RunStatus.SKIPPED:
        _be_single(run, known)
    return _insert(run)


def draft_run(
    workflow: Workflow,
    *,
    input: Mapping[str, Any],
    actor: str = "system",
    due_at: datetime | None = None,
    priority: int = 0,
    queue: str = "main",
    idempotency_key: str = "",
) -> Run:
    """Return a run that is ready to be inserted. Raises Refused for input that does not fit."""
    now = clock.now()
    due = due_at if due_at and due_at > now else None
    kept = _checked(workflow, input)
    run = Run(
        workflow=workflow.name,
        version=workflow.version,
        queue=queue,
        input=kept,
        actor=actor,
        idempotency_key=idempotency_key,
        status=RunStatus.WAITING if due else RunStatus.READY,
        due_at=due_at,
        created_at=now,
        sort_at=now - timedelta(seconds=priority or workflow.priority),
    )
    if workflow.start_within is not None:
        run.expires_at = (due or now) + timedelta(seconds=workflow.start_within)
    if workflow.deadline is not None:
        run.deadline_at = (due or now) + timedelta(seconds=workflow.deadline)
    _limit(run, workflow)
    return run


def _limit(run: Run, workflow: Workflow) -> None:
    """Write the limits that hold for a run onto it: the claim decides by the row alone."""
    slots = [
        (key_for(run.workflow, each.key, run.input), each.limit) for each in workflow.concurrency
    ]
    if workflow.singleton and workflow.singleton.overlap is Overlap.CANCEL:
        slots.append((f"single:{key_for(run.workflow, workflow.singleton.key, run.input)}", 1))
    for (name, limit), fields in zip(slots, _SLOTS, strict=False):
        setattr(run, fields[0], name)
        setattr(run, fields[1], limit)
    if workflow.throttle:
        run.throttle = _pace(workflow.throttle, run)
    run.is_limited = bool(slots or run.throttle)


_SLOTS = (("slot", "slot_limit"), ("second_slot", "second_limit"))


def _pace(throttle: Throttle, run: Run) -> dict[str, Any]:
    return {
        "key": f"throttle:{key_for(run.workflow, throttle.key, run.input)}",
        "per_second": throttle.limit / throttle.seconds,
        "burst": throttle.burst,
    }


def _ask_the_rate_limit(run: Run, workflow: Workflow) -> None:
    limit = workflow.rate_limit
    if limit is None:
        return
    key = f"rate:{key_for(run.workflow, limit.key, run.input)}"
    pace = limit.limit / limit.seconds
    if limits.take(key, amount=1, per_second=pace, burst=limit.limit):
        _skip(run, f"rate limit: {limit}")


def _be_single(run: Run, workflow: Workflow) -> None:
    """Give a singleton its key; where another holds it, make way or be skipped."""
    if workflow.singleton is None:
        return
    key = key_for(workflow.name, workflow.singleton.key, run.input)
    older = Run.objects.filter(workflow=run.workflow, singleton_key=key, status__in=ACTIVE).first()
    if older and workflow.singleton.overlap is Overlap.SKIP:
        _skip(run, f"singleton: {older.public_id} is not over")
        return
    if older:
        from jobs.endings import request_cancel  # endings start runs, too

        request_cancel(older, by=f"singleton:{run.public_id}")
    run.singleton_key = key


def _skip(run: Run, reason: str) -> None:
    run.status, run.reason, run.finished_at = RunStatus.SKIPPED, reason, clock.now()


def _insert(run: Run) -> Run:
    """Insert a run; where an equal start came first, return that."""
    if not run.idempotency_key and not run.singleton_key:
        run.save(force_insert=True)
    else:
        Run.objects.bulk_create([run], ignore_conflicts=True)
        if not Run.objects.filter(pk=run.pk).exists():
            return _second(run)
    standing.stand_by([run])
    wakeup.notify(run.queue)
    return run


def _second(run: Run) -> Run:
    """Return what stands in the place of a run that another start, at the same moment, kept from being inserted."""
    if run.idempotency_key and (earlier := _started(run.workflow, run.idempotency_key)):
        return earlier
    run.singleton_key = ""
    _skip(run, "singleton: another was started at the same moment")
    return _insert(run)


def _started(workflow: str, idempotency_key: str) -> Run | None:
    return Run.objects.filter(workflow=workflow, idempotency_key=idempotency_key).first()


def _checked(workflow: Workflow, input: Mapping[str, Any]) -> dict[str, Any]:
    """Return input as it is kept. Only what the workflow's own types make JSON of may be something else."""
    kept = workflow.check_input(input)
    try:
        json.dumps(kept, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Refused(
            f"The input of a run must be JSON: {error}.", field="input", code="not_json"
        ) from error
    return kept

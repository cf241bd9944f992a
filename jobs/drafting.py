"""A new run as it will be inserted: its input checked, its moments set, the limits that hold for it written on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from core import clock
from core.errors import Refused
from jobs.flow import Overlap, Throttle, key_for, throttle_key
from jobs.models import Run
from jobs.registry import Workflow
from jobs.states import RunStatus

#: The queue of whatever names no other.
MAIN = "main"
_SLOTS = (("slot", "slot_limit"), ("second_slot", "second_limit"))


def draft_run(
    workflow: Workflow,
    *,
    input: Mapping[str, Any],
    actor: str = "system",
    due_at: datetime | None = None,
    priority: int = 0,
    queue: str = "",
    idempotency_key: str = "",
) -> Run:
    """Return a run that is ready to be inserted. Raises Refused for input that does not fit."""
    now = clock.now()
    due = due_at if due_at and due_at > now else None
    kept = _checked(workflow, input)
    run = Run(
        workflow=workflow.name,
        version=workflow.version,
        queue=queue or workflow.queue or MAIN,
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


def _pace(throttle: Throttle, run: Run) -> dict[str, Any]:
    return {
        "key": throttle_key(run.workflow, throttle, run.input),
        "per_second": throttle.limit / throttle.seconds,
        "burst": throttle.burst,
    }


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

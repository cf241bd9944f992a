"""Starting a run is inserting a row: nothing can be lost between a database and a queue."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from core import clock
from core.errors import Refused
from jobs import registry, wakeup
from jobs.models import Run
from jobs.states import RunStatus


def start_run(
    workflow: str,
    *,
    input: dict[str, Any] | None = None,
    actor: str = "system",
    idempotency_key: str = "",
    due_at: datetime | None = None,
    priority: int = 0,
    queue: str = "main",
) -> Run:
    """Insert a run in the caller's transaction; it is served once that commits, and not before `due_at`.

    A second start of the same workflow with the same `idempotency_key` returns the first run. `priority` moves the run
    forward in the queue by so many seconds. Raises NotFound for an unknown workflow and Refused for input that is not
    JSON.
    """
    registry.get(workflow)
    now = clock.now()
    run = Run(
        workflow=workflow,
        queue=queue,
        input=_checked(input or {}),
        actor=actor,
        idempotency_key=idempotency_key,
        status=RunStatus.WAITING if due_at and due_at > now else RunStatus.READY,
        due_at=due_at,
        created_at=now,
        sort_at=now - timedelta(seconds=priority),
    )
    if idempotency_key:
        Run.objects.bulk_create([run], ignore_conflicts=True)
        run = Run.objects.get(workflow=workflow, idempotency_key=idempotency_key)
    else:
        run.save(force_insert=True)
    wakeup.notify(queue)
    return run


def _checked(input: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(input, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Refused(
            f"The input of a run must be JSON: {error}.", field="input", code="not_json"
        ) from error
    return input

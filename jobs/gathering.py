"""Starts that become one run: a debounced workflow waits for quiet, a batch for company.

The run stands there from the first start on, waiting; later ones flow into it until it is made ready. Whoever starts
one holds the row of its key meanwhile, so two never open a run each, and the run's own status decides whether it still
takes in more: one that has just been made ready takes in nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core import clock
from jobs import wakeup
from jobs.events import standing
from jobs.flow import key_for
from jobs.models import Gathering, Run, Wait, WaitKind
from jobs.registry import Workflow
from jobs.states import RunStatus

#: What a later start changes of a debounced run: the last one counts.
_OF_THE_LAST = (
    "input",
    "actor",
    "event",
    "idempotency_key",
    "version",
    "slot",
    "slot_limit",
    "second_slot",
    "second_limit",
    "throttle",
    "is_limited",
    "expires_at",
    "deadline_at",
)


def gathers(run: Run, workflow: Workflow) -> bool:
    """Whether this start flows together with others. A batch is one of events."""
    return workflow.debounce is not None or (workflow.batch is not None and run.event is not None)


def meet(run: Run, workflow: Workflow) -> Gathering:
    """Hold the place where this start meets others until the transaction ends."""
    key = f"gather:{_key_of(run, workflow)}"
    Gathering.objects.bulk_create([Gathering(key=key)], ignore_conflicts=True)
    return Gathering.objects.select_for_update().get(key=key)


def flow_into(place: Gathering, run: Run, workflow: Workflow) -> Run | None:
    """Let a start flow into the run that waits at its place, and return that; None where none waits any more."""
    _put_off(run, workflow)
    if place.run_id is None:
        return None
    waiting = Run.objects.filter(
        pk=place.run_id,
        status=RunStatus.WAITING,
        started_at=None,
        is_admitted=False,
        due_at__gt=clock.now(),
    )
    earlier = waiting.first()
    if earlier is None or not waiting.update(**_changes(place, earlier, run, workflow)):
        return None
    Gathering.objects.filter(pk=place.pk).update(count=place.count + 1)
    earlier.refresh_from_db()
    if workflow.debounce:
        Wait.objects.filter(run=earlier, kind=WaitKind.CANCEL).delete()
        standing.stand_by([earlier])
    if earlier.status == RunStatus.READY:
        wakeup.notify(earlier.queue)
    return earlier


def open_up(place: Gathering, run: Run) -> None:
    """Have later starts flow into this run."""
    Gathering.objects.filter(pk=place.pk).update(run=run, count=1)


def _key_of(run: Run, workflow: Workflow) -> str:
    if workflow.debounce:
        return key_for(workflow.name, workflow.debounce.key, run.input)
    assert workflow.batch
    assert run.event
    return key_for(workflow.name, workflow.batch.key, run.event.data)


def _put_off(run: Run, workflow: Workflow) -> None:
    """Have a run wait for others; the time in which it must begin and end counts from then on."""
    wait = timedelta(seconds=(workflow.debounce or workflow.batch).seconds)  # type: ignore[union-attr]
    run.status, run.due_at = RunStatus.WAITING, max(run.due_at or clock.now(), clock.now()) + wait
    if run.expires_at and workflow.start_within is not None:
        run.expires_at += wait
    if run.deadline_at:
        run.deadline_at += wait


def _changes(place: Gathering, earlier: Run, run: Run, workflow: Workflow) -> dict[str, Any]:
    """Return what a later start changes of the run that waits. It is written in any case, which keeps the run there
    until the transaction ends."""
    if workflow.debounce:
        return _replaced(earlier, run, at_most=workflow.debounce.at_most)
    assert workflow.batch
    if place.count + 1 >= workflow.batch.size:
        return {"status": RunStatus.READY, "due_at": None}
    return {"due_at": earlier.due_at}


def _replaced(earlier: Run, run: Run, *, at_most: float | None) -> dict[str, Any]:
    """What the last start says stands in the place of the earlier, and waits for quiet anew."""
    assert run.due_at
    changes = {name: getattr(run, name) for name in _OF_THE_LAST}
    if at_most is not None:
        latest = earlier.created_at + timedelta(seconds=at_most)
        return {"due_at": min(run.due_at, latest), **changes}
    return {"due_at": run.due_at, **changes}

"""Pausing a workflow or a queue: from then on none of its runs is taken up, and nothing is lost.

Runs that a worker drives go on to their next wait or their end. Of a paused workflow those that are ready become
blocked, and leave the queue; of a paused queue they stay where they are. Timers, events and children go on making runs
ready, so all of it is there when somebody lets it go on. Slots of cron that come meanwhile are made up for once.
"""

from __future__ import annotations

from django.db import transaction
from django_q.conf import Conf

from core import audit, clock
from core.errors import Conflict, NotFound
from jobs import registry, slots, wakeup
from jobs.drafting import MAIN
from jobs.models import Hold, Run, RunQuerySet
from jobs.slots import hold_of_queue, hold_of_workflow
from jobs.states import RunStatus


@transaction.atomic
def pause_workflow(name: str, *, actor: str) -> Hold:
    """Have no run of a workflow taken up until it is resumed. Raises NotFound, and Conflict where it is paused."""
    registry.get(name)
    slots.lock()
    hold = _turn(hold_of_workflow(name), on=True, actor=actor)
    waiting = Run.objects.filter(workflow=name, status=RunStatus.READY)
    waiting.update(status=RunStatus.BLOCKED, blocked_by=hold.key)
    _give_back_claims(Run.objects.filter(workflow=name), status=RunStatus.BLOCKED, by=hold.key)
    return hold


@transaction.atomic
def resume_workflow(name: str, *, actor: str) -> Hold:
    """Let the runs of a paused workflow go on. Raises Conflict where it is not paused."""
    slots.lock()
    hold = _turn(hold_of_workflow(name), on=False, actor=actor)
    held = Run.objects.filter(status=RunStatus.BLOCKED, blocked_by=hold.key)
    queues = list(held.order_by().values_list("queue", flat=True).distinct())
    held.update(status=RunStatus.READY, blocked_by="")
    for queue in queues:
        wakeup.notify(queue)
    return hold


@transaction.atomic
def pause_queue(name: str, *, actor: str) -> Hold:
    """Have no run of a queue taken up, on any machine, until it is resumed.

    Raises NotFound for a queue that nobody serves or uses, Conflict where it is paused.
    """
    if name not in queues() and not Run.objects.filter(queue=name).exists():
        raise NotFound(
            f"There is no queue {name!r}.",
            field="name",
            value=name,
            remedy=f"Known are: {', '.join(queues())}.",
        )
    slots.lock()
    hold = _turn(hold_of_queue(name), on=True, actor=actor)
    _give_back_claims(Run.objects.filter(queue=name), status=RunStatus.READY, by="")
    return hold


@transaction.atomic
def resume_queue(name: str, *, actor: str) -> Hold:
    """Let the runs of a paused queue go on. Raises Conflict where it is not paused."""
    slots.lock()
    hold = _turn(hold_of_queue(name), on=False, actor=actor)
    wakeup.notify(name)
    return hold


def queues() -> list[str]:
    """Return the names of the queues that this process or a workflow knows."""
    declared = {workflow.queue for workflow in registry.everything() if workflow.queue}
    return sorted({MAIN, Conf.CLUSTER_NAME, *declared})


def turn(key: str, *, on: bool, actor: str) -> Hold:
    """Pause or resume what a key names."""
    kind, _, name = key.partition(":")
    if kind == "queue":
        return (pause_queue if on else resume_queue)(name, actor=actor)
    return (pause_workflow if on else resume_workflow)(name, actor=actor)


def paused_workflows() -> set[str]:
    """Return the names of the workflows that are paused."""
    keys = Hold.objects.on().values_list("key", flat=True)
    return {key.partition(":")[2] for key in keys if key.startswith("workflow:")}


def _turn(key: str, *, on: bool, actor: str) -> Hold:
    change = {"is_on": on, "changed_at": clock.now(), "changed_by": actor}
    known = Hold.objects.filter(key=key, is_on=not on)
    if not known.update(**change):
        hold = Hold(key=key, **change)
        if not on or Hold.objects.filter(key=key).exists():
            raise Conflict(
                f"The {hold} is {'paused already' if on else 'not paused'}.",
                field="name",
                value=key.partition(":")[2],
            )
        hold.save(force_insert=True)
    hold = Hold.objects.get(key=key)
    audit.record("hold.pause" if on else "hold.resume", hold, actor=actor)
    return hold


def _give_back_claims(among: RunQuerySet, *, status: RunStatus, by: str) -> None:
    """Take back what is on its way to a worker: it finds its claim gone. Whoever it kept from its slots goes on."""
    claimed = among.filter(status=RunStatus.CLAIMED)
    runs = list(claimed)
    lease = {"worker_id": None, "lease_until": None}
    claimed.filter(pk__in=[run.pk for run in runs]).update(status=status, blocked_by=by, **lease)
    for slot in {slot for run in runs for slot in run.slots}:
        slots.free(slot)

"""Cancels the runs that an event makes pointless (`cancel_on`).

A run stands by for such events from the transaction of its start. That may commit after an event took effect which
came later, so the run looks once more whenever a worker takes it up. A run that was retried stands by again then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db import transaction
from django.db.models import Case, When
from django.db.models.functions import Coalesce

from jobs.endings import request_cancel, request_cancels
from jobs.events import finding, names, standing
from jobs.models import EffectKind, Event, EventEffect, EventKey, Run, Wait, WaitKind


def cancel_runs(keys: list[EventKey]) -> list[EventEffect]:
    """Cancel every run that stands by for one of these keys and is older than its event; return what came of it."""
    events: dict[str, list[Event]] = defaultdict(list)
    for key in keys:
        events[key.key].append(key.event)
    workflows: dict[UUID, str] = {}
    ended_by: dict[Event, list[UUID]] = defaultdict(list)
    for run_id, workflow, since, found in _standing_by(events):
        event = next((each for each in events[found] if each.pk > since), None)
        if event and run_id not in workflows:
            workflows[run_id] = workflow
            ended_by[event].append(run_id)
    return [
        _effect(event, run_id, workflows[run_id])
        for event, ids in ended_by.items()
        for run_id in request_cancels(ids, by=f"event:{event.public_id}")
    ]


def _standing_by(keys: Iterable[str]) -> Iterator[tuple[UUID, str, UUID, str]]:
    """Return run, workflow, after which event it looks, and key, for each run that stands by for one of these keys."""
    waits = Wait.objects.filter(kind=WaitKind.CANCEL, key__in=keys).order_by("run")
    since = Case(
        When(run__replay_of__isnull=False, then="run_id"),
        default=Coalesce("run__event_id", "run_id"),
    )
    rows = waits.values_list("run_id", "run__workflow", since, "key")
    return rows.iterator()


def cancel_if_late(run: Run) -> bool:
    """Ask for a run's end where an event that cancels it took effect before its start was committed."""
    wanted = standing.cancelled_by(run)
    if not wanted or run.cancel_requested_at:
        return False
    with transaction.atomic():
        names.lock(on.event for on in wanted)
        standing.stand_by([run])
        finding.cover(wanted, since=finding.since(run))
        event = finding.find(run, wanted)
        if event is None or not request_cancel(run, by=f"event:{event.public_id}"):
            return False
        effect = _effect(event, run.pk, run.workflow)
        EventEffect.objects.bulk_create([effect], ignore_conflicts=True)
    return True


def _effect(event: Event, run_id: UUID, workflow: str) -> EventEffect:
    return EventEffect(event=event, run_id=run_id, workflow=workflow, kind=EffectKind.CANCELLED)

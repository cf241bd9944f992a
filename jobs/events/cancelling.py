"""Cancels the runs that an event makes pointless (`cancel_on`).

A run stands by for such events from the transaction of its start. That may commit after an event took effect which
came later, so the run looks once more whenever a worker takes it up. A run that was retried stands by again then.
"""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction

from jobs.endings import request_cancel
from jobs.events import finding, names, standing
from jobs.models import EffectKind, Event, EventEffect, EventKey, Run, Wait, WaitKind


def cancel_runs(keys: list[EventKey]) -> list[EventEffect]:
    """Cancel every run that stands by for one of these keys and is older than its event; return what came of it."""
    events: dict[str, list[Event]] = defaultdict(list)
    for key in keys:
        events[key.key].append(key.event)
    waits = Wait.objects.filter(kind=WaitKind.CANCEL, key__in=events).select_related("run")
    effects = []
    for wait in waits.order_by("run"):
        newer = (event for event in events[wait.key] if event.pk > finding.since(wait.run))
        event = next(newer, None)
        if event and request_cancel(wait.run, by=f"event:{event.public_id}"):
            effects.append(_effect(event, wait.run))
    return effects


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
        EventEffect.objects.bulk_create([_effect(event, run)], ignore_conflicts=True)
    return True


def _effect(event: Event, run: Run) -> EventEffect:
    return EventEffect(event=event, run=run, workflow=run.workflow, kind=EffectKind.CANCELLED)

"""How a run waits for events, inside the transaction that writes its step.

1. Take the locks of the events' names: no event of these names takes effect until the transaction ends.
2. Look for an event that came since the run's start. One that is found completes the step.
3. Where there is none, write what the run waits for and let it go. Whatever comes from now on sees that, and wakes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core import clock
from jobs.events import finding, names
from jobs.events.finding import On
from jobs.models import EffectKind, Event, EventEffect, Run, Wait, WaitKind


def look(run: Run, wanted: Sequence[On], *, until: datetime | None) -> Event | None:
    """Lock the names and return the event that the run has waited for, or None."""
    names.lock(on.event for on in wanted)
    finding.cover(wanted, since=finding.since(run))
    if until is not None and until <= clock.now():
        _hasten(wanted)
    return finding.find(run, wanted, until=until)


def _hasten(wanted: Sequence[On]) -> None:
    """Give events that nobody has dispatched yet their keys: the last look must not miss one that came in time."""
    new = Event.objects.undispatched().filter(name__in={on.event for on in wanted})
    shapes = {
        on.event: [other.match for other in wanted if other.event == on.event] for on in wanted
    }
    names.write([key for event in new for key in names.keys_for(event, shapes[event.name])])


def stand(run: Run, wanted: Sequence[On], *, step: str) -> None:
    """Write what a run waits for in a step, where events find it."""
    waits = [
        Wait(run=run, kind=WaitKind.WAKE, step=step, event_name=on.event, key=on.key)
        for on in wanted
    ]
    Wait.objects.bulk_create(waits, ignore_conflicts=True)


def settle(run: Run, event: Event | None, *, step: str) -> None:
    """Wait no more; write down which event ended it. An event wakes a run once."""
    Wait.objects.filter(run=run, kind=WaitKind.WAKE).delete()
    if event is not None:
        EventEffect.objects.create(
            event=event, run=run, workflow=run.workflow, kind=EffectKind.WOKE, step=step
        )

"""Lets events take effect, after the commit that sent them: starts runs, wakes those that wait, cancels others.

It is part of every broker loop. Events are taken many at a time; where that fails, one by one, so that one that
cannot take effect stops no other.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from core import clock
from jobs.database import is_lost
from jobs.events import cancelling, names, starting, waking
from jobs.models import Event, EventEffect, EventKey

log = logging.getLogger(__name__)

AT_ONCE = 100


def dispatch_new(*, limit: int = AT_ONCE) -> int:
    """Let the oldest new events take effect; return how many did."""
    new = Event.objects.undispatched().order_by("id").values_list("pk", flat=True)
    ids = list(new[:limit])
    return _dispatch(ids) if ids else 0


def _dispatch(ids: list[UUID]) -> int:
    try:
        return _take_effect(ids)
    except (OperationalError, InterfaceError) as error:
        if is_lost(error):
            raise
        log.warning("events: %s; they take effect at the next turn", error)
        return 0
    except Exception as error:  # noqa: BLE001 - whatever a trigger of an author raises is kept on its event
        if len(ids) == 1:
            return _set_aside(ids[0], error)
    return sum(_dispatch([event_id]) for event_id in ids)


def _take_effect(ids: list[UUID]) -> int:
    """Let these events take effect in one transaction, under the locks of their names."""
    with transaction.atomic():
        events = _taken(ids)
        if not events:
            return 0
        names.lock(event.name for event in events)
        keys = _with_keys(events)
        names.write(keys)
        effects = [*starting.start_runs(events), *cancelling.cancel_runs(keys)]
        waking.wake_runs(keys)
        EventEffect.objects.bulk_create(effects)
        Event.objects.filter(pk__in=[event.pk for event in events]).update(
            dispatched_at=clock.now()
        )
    return len(events)


def _taken(ids: list[UUID]) -> list[Event]:
    """Return those that nobody else has in hand. The lock is none that a row pointing at an event waits for."""
    free = Event.objects.select_for_update(skip_locked=True, no_key=True)
    return list(free.undispatched().filter(pk__in=ids).order_by("id"))


def _with_keys(events: list[Event]) -> list[EventKey]:
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_name[event.name].append(event)
    shapes = names.shapes_of(by_name)
    return [key for event in events for key in names.keys_for(event, shapes.get(event.name, []))]


def _set_aside(event_id: UUID, error: Exception) -> int:
    """Write down why an event cannot take effect; it is not tried again."""
    log.error("event %s could not take effect: %s", event_id, type(error).__name__)
    reason = f"{type(error).__name__}: {error}"
    Event.objects.undispatched().filter(pk=event_id).update(dispatched_at=clock.now(), error=reason)
    return 0

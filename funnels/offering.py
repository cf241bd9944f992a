"""The events that people choose from on a page, those they probably mean first."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from django.db.models import QuerySet

from core import clock
from funnels.models import Event
from funnels.states import EventStatus

#: So many of each kind are offered; any other is named by its id, over the API or on the command line.
OFFERED = 100


def open_events() -> list[tuple[str, str]]:
    """Return the ids and names of events in which one can enroll, the next one first."""
    return _named(_coming()[:OFFERED])


def attended_events() -> list[tuple[str, str]]:
    """Return the ids and names of events that have begun, the last one first, and then of those to come."""
    begun = Event.objects.exclude(status=EventStatus.CANCELLED).filter(starts_at__lte=clock.now())
    later = _coming().filter(starts_at__gt=clock.now())
    return _named(chain(begun.order_by("-starts_at", "-pk")[:OFFERED], later[:OFFERED]))


def _coming() -> QuerySet[Event]:
    planned = Event.objects.filter(status=EventStatus.PLANNED, ended_at=None)
    return planned.filter(ends_at__gt=clock.now()).order_by("starts_at", "pk")


def _named(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [
        (
            event.public_id,
            f"{event}, {event.starts_at.astimezone(event.zone):%a %d %b %Y, %H:%M %Z}",
        )
        for event in events
    ]

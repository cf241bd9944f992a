"""Kept notices become presence and attendance: some hundreds in one transaction, by one run.

Whoever keeps a notice looks whether that run is awake, and starts it where it is not; once a minute it looks by itself,
so that a notice which was committed just as the run ended waits no longer than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from core import clock
from core.sql import update_from
from funnels.models import Event, Presence, Registration, ZoomNotice
from funnels.states import Attendance, AttendanceSource, EventStatus
from funnels.zoom.presence import Mark, seconds_present
from funnels.zoom.reading import ENDED, LEFT, Reading, read
from jobs.models import Run
from jobs.starting import start_run

WORKFLOW = "funnels.hear_zoom"
BATCH, FORGET = 300, 1_000
#: One meeting may serve many dates: a notice belongs to the one around which it was told.
BEFORE, AFTER = timedelta(hours=6), timedelta(hours=12)
#: So long after the settlement of an event Zoom may still tell something that counts.
LATE = timedelta(days=7)


def wake() -> None:
    """Start the run that applies notices, where none is awake; call it after the notice is committed."""
    if not Run.objects.active().filter(workflow=WORKFLOW).exists():
        start_run(WORKFLOW)


@transaction.atomic
def apply_next(prove: Callable[[], None]) -> int:
    """Apply the oldest notices that wait; return how many there were.

    `prove` ends the transaction of a run that lost its lease.
    """
    notices = list(ZoomNotice.objects.unapplied().order_by("id")[:BATCH])
    touched: dict[Registration, None] = {}
    rows = []
    for notice in notices:
        reading = read(notice.kind, notice.body, received_at=notice.received_at)
        event, person, note = _apply(reading)
        if person:
            touched[person] = None
        rows.append((notice.pk, clock.now(), note, event and event.pk, person and person.pk))
    update_from(ZoomNotice, ("applied_at", "note", "event", "registration"), rows)
    count_presence(touched)
    prove()
    return len(rows)


def _apply(reading: Reading) -> tuple[Event | None, Registration | None, str]:
    """Keep what a notice says; return its event, its person, and why nothing came of it."""
    if not reading.what:
        return None, None, "a kind that we do not know"
    assert reading.at is not None
    event = event_of(reading.meeting, reading.at)
    if event is None:
        return None, None, "no event of ours at that time"
    if reading.what == ENDED:
        later = Q(meeting_ended_at=None) | Q(meeting_ended_at__lt=reading.at)
        Event.objects.filter(later, pk=event.pk).update(meeting_ended_at=reading.at)
        return event, None, ""
    person = _person_of(event, reading)
    if person is None:
        return event, None, "nobody who is registered"
    kind = Presence.Kind.LEFT if reading.what == LEFT else Presence.Kind.JOINED
    row = Presence(registration=person, session=reading.session, kind=kind, at=reading.at)
    Presence.objects.bulk_create([row], ignore_conflicts=True)
    return event, person, ""


def forget_old() -> int:
    """Delete one chunk of old notices, strangers' among them; return how many. What they amounted to stays."""
    past = clock.now() - timedelta(days=settings.EVENT_DAYS)
    oldest = ZoomNotice.objects.order_by("id").values_list("pk", "received_at")[:FORGET]
    ids = [pk for pk, received_at in oldest if received_at < past]
    ZoomNotice.objects.filter(pk__in=ids).delete()
    return len(ids)


def event_of(meeting: str, at: datetime) -> Event | None:
    """Return the event that a meeting served at a moment, the nearest where there are several."""
    if not meeting:
        return None
    around = Event.objects.filter(
        zoom_meeting_id=meeting, starts_at__lte=at + BEFORE, ends_at__gte=at - AFTER
    ).exclude(status=EventStatus.CANCELLED)
    return min(around, key=lambda event: abs(event.starts_at - at), default=None)


def _person_of(event: Event, reading: Reading) -> Registration | None:
    """Return who joined: by the registrant's id, else by the address."""
    people = Registration.objects.filter(event=event)
    if reading.registrant and (
        found := people.filter(zoom_registrant_id=reading.registrant).first()
    ):
        return found
    return people.filter(contact__email=reading.email).first() if reading.email else None


def count_presence(registrations: Iterable[Registration]) -> None:
    """Count for how long these people were present until now."""
    chosen = {each.pk: each for each in registrations}
    marks: dict[object, list[Mark]] = {pk: [] for pk in chosen}
    for pk, session, kind, at in Presence.objects.filter(registration__in=chosen).values_list(
        "registration", "session", "kind", "at"
    ):
        marks[pk].append(Mark(at, kind == Presence.Kind.LEFT, session))
    rows = [(pk, _seconds(chosen[pk].event, marks[pk])) for pk in chosen]
    update_from(Registration, ("attended_seconds",), rows)


def _seconds(event: Event, marks: list[Mark]) -> int:
    ends_at = max(filter(None, [event.end, event.meeting_ended_at]))
    return seconds_present(
        marks, starts_at=event.starts_at, ends_at=min(ends_at, max(clock.now(), event.starts_at))
    )


def latecomers() -> QuerySet[Registration]:
    """Return those who count as no-shows and were there for long enough, as Zoom told too late; each once."""
    return Registration.objects.filter(
        event__settled_at__gt=clock.now() - LATE,
        attendance=Attendance.NO_SHOW,
        attendance_source=AttendanceSource.ZOOM,
        attendance_note="",
        attended_seconds__gte=F("event__attendance_minutes") * 60,
        attended_seconds__gt=0,
    )

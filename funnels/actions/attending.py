"""Who came: told by Zoom, by a person, by a file; settled once for everybody, and never contradicted to anybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core import audit, clock
from core.errors import Conflict, Refused
from funnels.accompanying import HANDED_OVER
from funnels.actions.events import follow, wake_settling
from funnels.models import Event, Registration
from funnels.moves import move
from funnels.retiming import retime_streams
from funnels.states import (
    EVENT_MOVES,
    Attendance,
    AttendanceSource,
    EventStatus,
    RegistrationStatus,
)
from funnels.zoom.hearing import count_presence
from jobs.actions import start_run
from jobs.bulk import wake_runs
from messaging.addresses import normalise_email
from messaging.models.outbox import MessageQuerySet
from messaging.planned import take_back

EARLY, ASKS, SETTLED, OVER = "early", "asks", "settled", "over"
CONTRARY = {Attendance.ATTENDED: Attendance.NO_SHOW, Attendance.NO_SHOW: Attendance.ATTENDED}


def settle_when_known(event: Event, *, actor: str) -> str:
    """Settle an event whose time for that has come; ask a person where nobody at all was seen.

    Webhooks that were never set up must not tell everybody that they were missed.
    """
    event = _locked(event)
    if event.status != EventStatus.PLANNED:
        return OVER
    if clock.now() < event.settles_at:
        return EARLY
    if not event.registrations.filter(status=RegistrationStatus.REGISTERED).exists():
        _settle(event, actor=actor)
        return SETTLED
    if not _is_anybody_seen(event):
        _ask(event, actor=actor)
        return ASKS
    _settle(event, actor=actor)
    return SETTLED


@transaction.atomic
def settle_event(event: Event, *, actor: str) -> Event:
    """Settle attendance now, as a person's word: whoever was not seen to come is a no-show. Not before the end."""
    event = _locked(event)
    if not event.is_over:
        raise Refused(
            f"“{event}” has not ended: it does on {event.end.astimezone(event.zone):%Y-%m-%d %H:%M}.",
            field="event",
            value=event.public_id,
            remedy="Wait for its end, or say that it is completed.",
        )
    _settle(event, actor=actor)
    return event


@transaction.atomic
def complete_event(
    event: Event,
    *,
    actor: str,
    ended_at: datetime | None = None,
    attendees: Iterable[str] | None = None,
) -> Event:
    """Say that an event has ended; with the addresses of all who came, also who did, which settles it at once.

    Raises Refused for a moment before its start or to come, Conflict for one that is cancelled or completed.
    """
    event = _locked(event)
    if event.status != EventStatus.PLANNED:
        raise Conflict(
            f"“{event}” is {event.get_status_display().lower()}.",
            field="event",
            value=event.public_id,
        )
    ended = ended_at or clock.now()
    if not event.starts_at < ended <= clock.now():
        raise Refused(
            "It can have ended only between its start and now.",
            field="ended_at",
            value=ended.isoformat(),
            remedy=f"It starts on {event.starts_at:%Y-%m-%d %H:%M %Z}.",
        )
    Event.objects.filter(pk=event.pk).update(ended_at=ended)
    event.refresh_from_db()
    audit.record("event.ended", event, actor=actor, ended_at=ended.isoformat())
    if attendees is not None:
        _mark(event, attendees)
        _settle(event, actor=actor)
    else:
        retime_streams(event)
        wake_settling(event)
        follow(event, actor=actor)
    return event


@transaction.atomic
def set_attendance(
    registration: Registration,
    attendance: Attendance,
    *,
    actor: str,
    source: AttendanceSource = AttendanceSource.PERSON,
) -> Registration:
    """Say whether a person came; return the registration.

    What waits for them and says the contrary is taken back. Where something that says so went out already, they get
    nothing more of either branch, and a note says why.
    """
    mine = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    contrary = _contrary_messages(mine, attendance)
    take_back(contrary)
    told = mine.told
    if told == CONTRARY[attendance] and not contrary.filter(status__in=HANDED_OVER).exists():
        told = ""
    note = "" if told in ("", attendance) else f"Had been told otherwise ({told})."
    Registration.objects.filter(pk=mine.pk).update(
        attendance=attendance, attendance_source=source, told=told, attendance_note=note
    )
    mine.refresh_from_db()
    runs = mine.enrollments.exclude(run=None).values_list("run", flat=True)
    if mine.event.settled_at:
        wake_runs(list(runs), and_begin=True)
    audit.record(
        "attendance.set", mine, actor=actor, attendance=str(attendance), source=str(source)
    )
    return mine


def hear_late(registration: Registration, *, actor: str) -> Registration:
    """Let somebody have attended who, as Zoom told late, did; unless they were told already that they were missed.

    Then they stay a no-show, with a note for staff.
    """
    with transaction.atomic():
        mine = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
        missed = _contrary_messages(mine, Attendance.ATTENDED)
        if not missed.filter(status__in=HANDED_OVER).exists():
            return set_attendance(
                mine, Attendance.ATTENDED, source=AttendanceSource.ZOOM, actor=actor
            )
        Registration.objects.filter(pk=mine.pk).update(
            attendance_note="Came after all, as Zoom told late; had been told that they were missed."
        )
    mine.refresh_from_db()
    return mine


def _contrary_messages(registration: Registration, attendance: Attendance) -> MessageQuerySet:
    return registration.messages().filter(stream__funnel_step__step__condition=CONTRARY[attendance])


def _locked(event: Event) -> Event:
    return Event.objects.select_for_update(no_key=True).get(pk=event.pk)


def _is_anybody_seen(event: Event) -> bool:
    known = event.registrations.exclude(attendance=Attendance.UNKNOWN)
    return known.exists() or event.registrations.filter(attended_seconds__gt=0).exists()


def _ask(event: Event, *, actor: str) -> None:
    Event.objects.filter(pk=event.pk, asks_since=None).update(asks_since=clock.now())
    page = reverse("admin:funnels_event_change", args=[event.pk])
    audit.record("event.asks", event, actor=actor)
    start_run(
        "messaging.alert",
        input={
            "subject": f"Nobody was seen at “{event.title}”",
            "text": "It is over, and neither Zoom nor anybody else told who came. Nobody is written to about it "
            "until somebody says who did: set attendance by hand or by file, then press “Settle attendance”:\n"
            f"{settings.PUBLIC_URL}{page}\n",
        },
        actor=actor,
        idempotency_key=f"nobody-seen/{event.public_id}",
    )


def _settle(event: Event, *, actor: str) -> None:
    """Say of everybody whether they came, and start what hangs on it."""
    move(
        event,
        moves=EVENT_MOVES,
        to=EventStatus.COMPLETED,
        wish="be settled",
        settled_at=clock.now(),
        asks_since=None,
    )
    count_presence(
        event.registrations.filter(presences__isnull=False).select_related("event").distinct()
    )
    open_ones = event.registrations.filter(
        status=RegistrationStatus.REGISTERED, attendance=Attendance.UNKNOWN
    )
    enough = event.attendance_minutes * 60
    by_zoom = {"attendance_source": AttendanceSource.ZOOM}
    came = open_ones.filter(attended_seconds__gte=max(enough, 1))
    came.update(attendance=Attendance.ATTENDED, **by_zoom)
    open_ones.update(attendance=Attendance.NO_SHOW, **by_zoom)
    follow(event, actor=actor)
    audit.record("event.settled", event, actor=actor)


def _mark(event: Event, attendees: Iterable[str]) -> None:
    """Say of those with these addresses that they came, and of all others that they did not."""
    emails = {normalise_email(each) for each in attendees}
    everybody = event.registrations.filter(status=RegistrationStatus.REGISTERED)
    came = everybody.filter(contact__email__in=emails)
    word = {"attendance_source": AttendanceSource.PERSON}
    ids = list(came.values_list("pk", flat=True))
    everybody.filter(pk__in=ids).update(attendance=Attendance.ATTENDED, **word)
    everybody.exclude(attendance=Attendance.ATTENDED).update(attendance=Attendance.NO_SHOW, **word)

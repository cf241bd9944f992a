"""Who came: told by Zoom, by a person, by a file; settled once for everybody, and never contradicted to anybody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core import audit, clock
from core.errors import Conflict, Refused
from core.sql import share, update_from
from funnels.accompanying import HANDED_OVER
from funnels.actions.events import follow, wake_settling
from funnels.following import BEHIND
from funnels.models import Enrollment, Event, Registration, messages_to
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

RESTORED = (
    *("attendance", "attendance_source", "attendance_said_at"),
    *("attendance_note", "told"),
)
EARLY, ASKS, SETTLED, OVER = "early", "asks", "settled", "over"
BRANCHES = frozenset({Attendance.ATTENDED, Attendance.NO_SHOW})
CONTRARY = {Attendance.ATTENDED: Attendance.NO_SHOW, Attendance.NO_SHOW: Attendance.ATTENDED}


@dataclass(frozen=True)
class Said:
    """What was said of whether somebody came: the word, whose it is, when it was said, and the note beside it."""

    attendance: Attendance = Attendance.UNKNOWN
    source: AttendanceSource = AttendanceSource.NOBODY
    at: datetime | None = None
    note: str = ""

    @classmethod
    def of(cls, registration: Registration) -> Said:
        return cls(
            Attendance(registration.attendance),
            AttendanceSource(registration.attendance_source),
            registration.attendance_said_at,
            registration.attendance_note,
        )


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
    Registration.objects.filter(pk=mine.pk).update(
        attendance=attendance,
        attendance_source=source,
        attendance_said_at=clock.now(),
        attendance_note=_note(told, attendance),
        told=told,
    )
    mine.refresh_from_db()
    runs = mine.enrollments.exclude(run=None).values_list("run", flat=True)
    if mine.event.settled_at:
        wake_runs(list(runs), and_begin=True)
    audit.record(
        "attendance.set", mine, actor=actor, attendance=str(attendance), source=str(source)
    )
    return mine


@transaction.atomic
def restore_attendance(event: Event, said: Mapping[UUID, Said], *, actor: str) -> None:
    """Put back what was said before of whether these registrations' people came, perhaps nothing.

    What waits for them and takes anything else for granted is taken back. Whoever got something that does gets nothing
    of the other branch all the same, and a note says why. Nobody settles attendance once more: who was unknown before
    is so again, and gets nothing of either branch until somebody says whether they came.
    """
    share(Event, [event.pk])
    event.refresh_from_db()
    ours = event.registrations.filter(pk__in=said).order_by("pk")
    people = list(ours.select_for_update(no_key=True))
    for word in sorted({said[each.pk].attendance for each in people}):
        _restore(event, [each for each in people if said[each.pk].attendance == word], said, word)
    if event.settled_at:
        runs = Enrollment.objects.filter(registration__in=people).exclude(run=None)
        wake_runs(list(runs.values_list("run", flat=True)), and_begin=True, behind=BEHIND)
    audit.record("event.attendance_restored", event, actor=actor, people=len(people))


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


def _restore(
    event: Event, people: Collection[Registration], said: Mapping[UUID, Said], word: Attendance
) -> None:
    """Put back what was said of people of whom it was the same word."""
    messages = messages_to([each.contact_id for each in people], event=event.pk)
    others = messages.filter(stream__funnel_step__step__condition__in=BRANCHES - {word})
    take_back(others)
    told_otherwise = set(others.filter(status__in=HANDED_OVER).values_list("contact", flat=True))
    rows = []
    for each in people:
        keeps = each.told == word or each.contact_id in told_otherwise
        told, before = each.told if keeps else "", said[each.pk]
        note = _note(told, word) or before.note
        rows.append((each.pk, word, before.source, before.at, note, told))
    update_from(Registration, RESTORED, rows)


def _note(told: str, attendance: Attendance) -> str:
    """Return why somebody gets nothing of their branch, or nothing."""
    return "" if told in ("", attendance) else f"Had been told otherwise ({told})."


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
    by_zoom = {"attendance_source": AttendanceSource.ZOOM, "attendance_said_at": clock.now()}
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
    word = {"attendance_source": AttendanceSource.PERSON, "attendance_said_at": clock.now()}
    ids = list(came.values_list("pk", flat=True))
    everybody.filter(pk__in=ids).update(attendance=Attendance.ATTENDED, **word)
    everybody.exclude(attendance=Attendance.ATTENDED).update(attendance=Attendance.NO_SHOW, **word)

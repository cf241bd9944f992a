"""Enrolling people in an event, one or 20,000 at a time, and letting them go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from core import audit, clock
from core.errors import Conflict, Refused
from core.ids import encode
from core.sql import share, update_from
from funnels.models import Enrollment, Event, FunnelVersion, Launch, Registration, messages_to
from funnels.moves import move
from funnels.states import (
    REGISTRATION_MOVES,
    EnrollmentStatus,
    EventStatus,
    LaunchStatus,
    RegistrationStatus,
)
from funnels.streams import streams_of
from funnels.timing import GRACE
from funnels.zoom.client import is_configured
from jobs.bulk import cancel_runs
from jobs.starting import start_runs
from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact, update_contact
from messaging.actions.registration import GivenConsent
from messaging.addresses import normalise_email, normalise_phone
from messaging.models import Contact
from messaging.planned import take_back

CHUNK = 1_000


@dataclass(frozen=True)
class Enrolled:
    """How many people were asked for, and how many of them are registered anew."""

    people: int
    new: int


def enroll(event: Event, contacts: Iterable[UUID], *, actor: str) -> Enrolled:
    """Register people and enroll them in each funnel launched for the event, in chunks of one transaction each.

    Whoever is registered already stays as they are, whoever withdrew comes back. Raises Refused for an event that is
    over or not to be; then nobody of that chunk, or of those behind it, is enrolled.
    """
    people = new = 0
    for chunk in _chunks(contacts):
        with transaction.atomic():
            added = _enroll_chunk(event, chunk, actor=actor)
            people, new = people + len(chunk), new + added
            if added:
                audit.record("event.enrolled", event, actor=actor, people=added)
    return Enrolled(people, new)


@transaction.atomic
def enroll_person(
    event: Event,
    *,
    actor: str,
    contact: Contact | None = None,
    person: dict[str, Any] | None = None,
    consents: Iterable[GivenConsent] = (),
) -> tuple[Registration, bool]:
    """Enroll a contact, or whoever has this address, with the consents they gave; say whether it is new.

    All of it, or nothing. Raises Refused naming what does not fit.
    """
    someone = contact or contact_of(person or {}, actor=actor)
    for given in consents:
        give_consent(
            someone,
            given.channel,
            source=given.source,
            wording=given.wording,
            ip_address=given.ip_address,
            actor=actor,
        )
    is_new = enroll(event, [someone.pk], actor=actor).new == 1
    registration = Registration.objects.get(event=event, contact=someone)
    return registration, is_new


@transaction.atomic
def withdraw(registration: Registration, *, actor: str) -> Registration:
    """Let a person go: their runs end, and what waits for them in the outbox is cancelled, all at once."""
    locked = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    move(
        locked,
        moves=REGISTRATION_MOVES,
        to=RegistrationStatus.WITHDRAWN,
        wish="be withdrawn",
        withdrawn_at=clock.now(),
    )
    _let_go(locked.event, [locked], by=actor)
    audit.record("registration.withdrawn", locked, actor=actor)
    return locked


@transaction.atomic
def withdraw_many(event: Event, registrations: Collection[UUID], *, actor: str) -> int:
    """Let many people of one event go, each as `withdraw` does; return how many of them were registered."""
    share(Event, [event.pk])
    ours = event.registrations.filter(
        pk__in=registrations, status=RegistrationStatus.REGISTERED
    ).order_by("pk")
    people = list(ours.select_for_update(no_key=True))
    ours.filter(pk__in=[each.pk for each in people]).update(
        status=RegistrationStatus.WITHDRAWN, withdrawn_at=clock.now()
    )
    _let_go(event, people, by=actor)
    audit.record("event.withdrawn", event, actor=actor, people=len(people))
    return len(people)


@transaction.atomic
def enroll_registered(launch: Launch, *, actor: str) -> int:
    """Enroll everybody who is registered for a launch's event; return how many."""
    ours = launch.event.registrations.filter(status=RegistrationStatus.REGISTERED)
    count = 0
    for chunk in _chunks(ours.order_by("pk").values_list("pk", flat=True).iterator()):
        count += _into(launch, chunk, actor=actor)
    return count


def check_open(event: Event, *, at: datetime | None = None) -> None:
    """Raise Refused where nobody can enroll in an event any more, now or at another moment."""
    if event.status == EventStatus.CANCELLED:
        raise Conflict(
            f"“{event}” is cancelled.",
            field="event",
            value=event.public_id,
            remedy="Choose another event.",
            code="event_is_cancelled",
        )
    if (at or clock.now()) >= event.end:
        raise Refused(
            f"“{event}” ended on {event.end.astimezone(event.zone):%Y-%m-%d %H:%M %Z}.",
            field="event",
            value=event.public_id,
            remedy="Choose an event to come.",
            code="event_is_over",
        )


def _let_go(event: Event, people: Collection[Registration], *, by: str) -> None:
    """Take back what waits for people who withdrew, and end their ways and runs."""
    take_back(messages_to([each.contact_id for each in people], event=event.pk))
    ways = Enrollment.objects.filter(registration__in=people)
    runs = list(ways.exclude(run=None).values_list("run_id", flat=True))
    ways.filter(status__in=[EnrollmentStatus.ACTIVE, EnrollmentStatus.COMPLETED]).update(
        status=EnrollmentStatus.ENDED, ended_reason="withdrawn", ended_at=clock.now()
    )
    cancel_runs(runs, by=by)


def _enroll_chunk(event: Event, contacts: list[UUID], *, actor: str) -> int:
    """Register and enroll some hundreds; return how many were not registered before."""
    share(Event, [event.pk])
    event.refresh_from_db()
    check_open(event)
    before = set(_registered(event, contacts).values_list("pk", flat=True))
    rows = [Registration(event=event, contact_id=contact) for contact in sorted(contacts)]
    Registration.objects.bulk_create(rows, ignore_conflicts=True)
    mine = Registration.objects.filter(event=event, contact__in=contacts)
    mine.filter(status=RegistrationStatus.WITHDRAWN).update(
        status=RegistrationStatus.REGISTERED, registered_at=clock.now(), withdrawn_at=None
    )
    ids = set(mine.values_list("pk", flat=True))
    launches = list(event.launches.exclude(status=LaunchStatus.ENDED).select_related("funnel"))
    for launch in launches:
        _into(launch, sorted(ids), actor=actor)
    if not any(_registers_with_meeting(launch.funnel.published) for launch in launches):
        join_meeting(event, sorted(ids - before), actor=actor)
    return len(ids - before)


def _registered(event: Event, contacts: Collection[UUID]) -> Any:
    ours = Registration.objects.filter(event=event, contact__in=contacts)
    return ours.filter(status=RegistrationStatus.REGISTERED)


def _into(launch: Launch, registrations: list[UUID], *, actor: str) -> int:
    """Enroll registrations in a launched funnel and start their runs; return how many runs were started."""
    version = launch.funnel.published
    if version is None:
        return 0
    streams_of(launch, version)
    rows = [
        Enrollment(registration_id=each, launch=launch, version=version) for each in registrations
    ]
    Enrollment.objects.bulk_create(rows, ignore_conflicts=True)
    mine = Enrollment.objects.filter(launch=launch, registration__in=registrations)
    mine.filter(status=EnrollmentStatus.ENDED).update(
        status=EnrollmentStatus.ACTIVE,
        version=version,
        round=F("round") + 1,
        run=None,
        enrolled_at=clock.now(),
        ended_at=None,
        ended_reason="",
    )
    return _start(launch, version, list(mine.filter(run=None, status="active")), actor=actor)


def _start(
    launch: Launch, version: FunnelVersion, enrollments: list[Enrollment], *, actor: str
) -> int:
    funnel, event = launch.funnel, launch.event
    meeting = event.zoom_meeting_id if is_configured() else ""
    due_at = None
    if not _registers_with_meeting(version):
        due_at = event.settles_at + GRACE  # whoever settles attendance wakes it before
    shared = {"funnel": funnel.public_id, "meeting": "" if due_at else meeting}
    runs = start_runs(
        "funnels.accompany",
        [{**shared, "enrollment": each.public_id} for each in enrollments],
        idempotency_keys=[f"{each.public_id}/{each.round}" for each in enrollments],
        due_at=due_at,
        actor=actor,
        throttle=funnel.throttle,
        concurrency=funnel.concurrency,
    )
    pairs = zip(enrollments, runs, strict=True)
    update_from(Enrollment, ("run",), [(each.pk, run.pk) for each, run in pairs])
    return len(runs)


def _registers_with_meeting(version: FunnelVersion | None) -> bool:
    """Whether runs of a version begin at once, and with the meeting: not those that wait until it is known who came."""
    return version is not None and not all(s.facts.needs_attendance for s in version.steps.all())


def join_meeting(event: Event, registrations: Iterable[UUID], *, actor: str) -> None:
    """Register people with an event's meeting by runs of their own, where it has one and Zoom is set up."""
    if event.zoom_meeting_id and is_configured():
        people = [encode(Registration.id_prefix, each) for each in registrations]
        start_runs("funnels.join_meeting", [{"registration": each} for each in people], actor=actor)


def contact_of(person: dict[str, Any], *, actor: str) -> Contact:
    """Return whose address this is, as a new contact if it is nobody's; what was not known of them is kept."""
    email = normalise_email(person["email"]) if person.get("email") else ""
    phone = normalise_phone(person["phone"]) if person.get("phone") else ""
    found = Contact.objects.filter(email=email).first() if email else None
    if found is None and phone and not email:
        found = Contact.objects.filter(phone=phone).first()
    if found is None:
        return create_contact(actor=actor, **{**person, "email": email, "phone": phone})
    unknown = {
        name: value
        for name, value in {**person, "phone": phone}.items()
        if value and not getattr(found, name)
    }
    return update_contact(found, actor=actor, **unknown) if unknown else found


def _chunks(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    rest = iter(ids)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk

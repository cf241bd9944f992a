"""How one enrollment stands: its plan beside what was written, what is missing, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.db import transaction

from core import clock
from core.ids import decode
from core.sql import share
from funnels.models import Enrollment, Event, Registration, Step, StepStream
from funnels.moves import moved
from funnels.planning import Entry, Verdict, looks_again_at, plan
from funnels.states import (
    ENROLLMENT_MOVES,
    Condition,
    EnrollmentStatus,
    Why,
)
from messaging.models import Message, Sender
from messaging.models.outbox import MessageQuerySet
from messaging.planned import Planned, retime, take_back, write_planned
from messaging.states import MessageStatus, Reason

#: Messages that somebody has, or may have.
HANDED_OVER = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.IN_DOUBT)
#: Over so long the runs of one event spread what is in no hurry.
SPREAD_SECONDS = 900
RELATED = ("registration__event", "registration__contact")


def load(public_id: str) -> Enrollment:
    """Return an enrollment with all that its plan is made of."""
    key = UUID(int=decode(Enrollment.id_prefix, public_id))
    return Enrollment.objects.select_related(*RELATED).get(pk=key)


@lru_cache(maxsize=256)
def steps_of(version_id: UUID) -> tuple[Step, ...]:
    """Return the steps of a published version, which never change."""
    return tuple(Step.objects.filter(version=version_id).order_by("position", "pk"))


@lru_cache(maxsize=256)
def step_streams_of(launch_id: UUID, version_id: UUID) -> tuple[StepStream, ...]:
    """Return the streams of a version for a launch: all were opened before anybody enrolled, and they never change."""
    rows = StepStream.objects.filter(launch=launch_id, step__version=version_id)
    return tuple(rows.select_related("stream", "step").order_by("channel"))


@dataclass(frozen=True)
class Place:
    """One entry of a plan on one channel: its stream, and the messages written there, the present one last."""

    entry: Entry
    step_stream: StepStream
    messages: tuple[Message, ...] = ()

    @property
    def message(self) -> Message | None:
        """The message that counts: the last one, unless it was set aside and may be written anew."""
        last = self.messages[-1] if self.messages else None
        return None if last is None or self._was_set_aside(last) else last

    def _was_set_aside(self, message: Message) -> bool:
        """Whether nobody was handed it, because it was taken back, or before the step's moment was moved to later."""
        if message.status != MessageStatus.SKIPPED or message.settled_at is None:
            return False
        return message.reason == Reason.CANCELLED or self.entry.at > message.settled_at

    @property
    def key_number(self) -> int:
        return len(self.messages) + 1


@dataclass(frozen=True)
class Standing:
    """An enrollment at one moment."""

    enrollment: Enrollment
    entries: tuple[Entry, ...]
    places: tuple[Place, ...]
    now: datetime

    @property
    def missing(self) -> list[Place]:
        """What should be written, and is not."""
        return [p for p in self.places if p.entry.verdict == Verdict.GOES and p.message is None]

    @property
    def displaced(self) -> list[Place]:
        """What waits for another moment than it should."""
        return [place for place in self._pending(Verdict.GOES) if _is_displaced(place)]

    @property
    def unwanted(self) -> list[Place]:
        """What waits and should not go any more. (What is too late is set aside, and counted so, by the outbox.)"""
        return [
            p for p in self._pending(Verdict.SKIPPED, Verdict.WAITS) if p.entry.why != Why.TOO_LATE
        ]

    @property
    def is_settled(self) -> bool:
        return not (self.missing or self.displaced or self.unwanted)

    @property
    def looks_again_at(self) -> datetime | None:
        """When it is to look again: now, later, or never."""
        if not self.is_settled:
            return self.now
        return self.rests_until

    @property
    def rests_until(self) -> datetime | None:
        """When the clock alone may change something; at the end people leave one after the other, not all at once."""
        facts = self.enrollment.registration.event.facts
        moment = looks_again_at(self.entries, facts, now=self.now - self._own_pace)
        return moment and moment + self._own_pace

    @property
    def _own_pace(self) -> timedelta:
        return timedelta(seconds=self.enrollment.pk.int % SPREAD_SECONDS)

    def _pending(self, *verdicts: Verdict) -> list[Place]:
        return [
            place
            for place in self.places
            if place.entry.verdict in verdicts
            and place.message is not None
            and place.message.status == MessageStatus.PENDING
        ]


def standing_of(enrollment: Enrollment) -> Standing:
    """Return how an enrollment stands now."""
    now = clock.now()
    steps = [step.facts for step in steps_of(enrollment.version_id)]
    event = enrollment.registration.event.facts
    entries = plan(event, enrollment.person, steps, now=now)
    return Standing(enrollment, tuple(entries), tuple(_places(enrollment, entries)), now)


def _places(enrollment: Enrollment, entries: list[Entry]) -> list[Place]:
    streams = step_streams_of(enrollment.launch_id, enrollment.version_id)
    written: dict[UUID, list[Message]] = {row.stream_id: [] for row in streams}
    contact = enrollment.registration.contact_id
    for message in Message.objects.filter(contact=contact, stream__in=written).order_by("pk"):
        written[message.stream_id].append(message)
    earlier = _got_on_another_version(enrollment)
    return [
        Place(entry, row, (*written[row.stream_id], *earlier.get((row.step.name, row.channel), ())))
        for entry in entries
        for row in streams
        if row.step_id == entry.step.key
    ]


def _got_on_another_version(enrollment: Enrollment) -> dict[tuple[str, str], list[Message]]:
    """Return what somebody who left and came back got of steps and channels before, on the version they then had."""
    found: dict[tuple[str, str], list[Message]] = {}
    if enrollment.round == 1:
        return found
    mine = Message.objects.filter(
        contact=enrollment.registration.contact_id,
        stream__funnel_step__launch=enrollment.launch_id,
        status__in=HANDED_OVER,
    ).exclude(stream__funnel_step__step__version=enrollment.version_id)
    for message in mine.select_related("stream__funnel_step__step").order_by("pk"):
        place = message.stream.funnel_step
        found.setdefault((place.step.name, place.channel), []).append(message)
    return found


def _is_displaced(place: Place) -> bool:
    """Whether a waiting message has another moment than its plan; one that is held back meanwhile keeps its hold."""
    message, entry = place.message, place.entry
    assert message is not None
    if message.expires_at != entry.expires_at:
        return True
    if message.reason == Reason.SCHEDULED:
        return message.not_before != entry.at
    return entry.at > clock.now() and message.not_before is None


@transaction.atomic
def write_known(enrollment: Enrollment) -> tuple[datetime | None, list[Sender]]:
    """Write, move and take back what the plan says now; return when to look again, or None where it is over.

    With it the senders whose lanes are to be nudged once this is committed. Lock order: event (shared) → registration →
    messages → lane.
    """
    registration = enrollment.registration
    share(Event, [registration.event_id])
    Registration.objects.select_for_update(no_key=True).only("pk").get(pk=registration.pk)
    fresh = Enrollment.objects.select_related(*RELATED).get(pk=enrollment.pk)
    if fresh.status != EnrollmentStatus.ACTIVE:
        return None, []
    standing = standing_of(fresh)
    senders = _write(standing)
    for place in standing.displaced:
        retime(_one(place), not_before=place.entry.at, expires_at=place.entry.expires_at)
    for place in standing.unwanted:
        take_back(_one(place))
    return standing.rests_until, senders


def _write(standing: Standing) -> list[Sender]:
    enrollment, missing = standing.enrollment, standing.missing
    registration = enrollment.registration
    senders = write_planned(
        [
            Planned(
                stream=place.step_stream.stream,
                key=_key(enrollment, place),
                contact=registration.contact,
                not_before=place.entry.at,
                expires_at=place.entry.expires_at,
                data=registration.own_data,
            )
            for place in missing
        ]
    )
    told = {p.entry.step.condition for p in missing} - {Condition.ANY}
    if told:
        Registration.objects.filter(pk=registration.pk).update(told=told.pop())
    return senders


def _key(enrollment: Enrollment, place: Place) -> str:
    """Return the key of the next message of a step: one in all, unless earlier ones were taken back unsent."""
    number = place.key_number
    return enrollment.pk.hex if number == 1 else f"{enrollment.pk.hex}.{number}"


def _one(place: Place) -> MessageQuerySet:
    assert place.message is not None
    return Message.objects.filter(pk=place.message.pk)


def finish(enrollment: Enrollment) -> str:
    """End a way through a funnel whose last moment has passed; return how it stands."""
    moved(
        enrollment,
        moves={EnrollmentStatus.ACTIVE: ENROLLMENT_MOVES[EnrollmentStatus.ACTIVE]},
        to=EnrollmentStatus.COMPLETED,
        ended_at=clock.now(),
    )
    return enrollment.status

"""What one person gets of a funnel, and when. Decisions only, no database.

The same plan is made when messages are written, on a person's page, and in a dry run for any person and any clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from funnels.states import Anchor, Attendance, Condition, LatePolicy, Why
from funnels.timing import Offset, lateness


class Verdict(StrEnum):
    """What becomes of a step."""

    GOES = "goes"  #: at a moment that is known
    WAITS = "waits"  #: until it is known who came; the moment is the expected one
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What matters of an event."""

    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    settles_at: datetime
    settled_at: datetime | None = None
    is_cancelled: bool = False

    def anchor(self, anchor: Anchor, *, enrolled_at: datetime) -> datetime:
        """Return the moment of an anchor; of the settlement that is to come, the expected one."""
        return {
            Anchor.ENROLLED: enrolled_at,
            Anchor.START: self.starts_at,
            Anchor.END: self.ends_at,
            Anchor.SETTLED: self.settled_at or self.settles_at,
        }[anchor]


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What matters of a person's enrolment. `told` is what messages have taken for granted: that they came, or not."""

    enrolled_at: datetime
    attendance: str = Attendance.UNKNOWN
    told: str = ""
    is_registered: bool = True


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What matters of a step; `key` is the caller's own."""

    key: Any
    offset: Offset
    condition: str = Condition.ANY
    late_policy: str = LatePolicy.SKIP
    late_minutes: int | None = None

    @property
    def needs_attendance(self) -> bool:
        return self.condition != Condition.ANY or self.offset.anchor == Anchor.SETTLED


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a person's plan: when it goes, until when it is of use, or why it does not go."""

    step: StepFacts
    at: datetime
    verdict: Verdict
    why: str = ""
    expires_at: datetime | None = None


def plan(
    event: EventFacts, person: PersonFacts, steps: Iterable[StepFacts], *, now: datetime
) -> list[Entry]:
    """Return what becomes of each step, in the order in which they would come."""
    entries = [entry_of(step, event, person, now=now) for step in steps]
    return sorted(entries, key=lambda entry: entry.at)


def entry_of(step: StepFacts, event: EventFacts, person: PersonFacts, *, now: datetime) -> Entry:
    """Return what becomes of one step."""
    due = due_at(step, event, enrolled_at=person.enrolled_at)
    expires_at = use_ends_at(step, event, due=due)
    why = why_not(step, event, person, due=due, expires_at=expires_at, now=now)
    if why:
        return Entry(step, due, Verdict.SKIPPED, why)
    if step.needs_attendance and event.settled_at is None:
        return Entry(step, due, Verdict.WAITS)
    return Entry(step, due, Verdict.GOES, expires_at=expires_at)


def due_at(step: StepFacts, event: EventFacts, *, enrolled_at: datetime) -> datetime:
    """Return the moment of a step; what hangs on attendance comes no earlier than that is known."""
    anchor_at = event.anchor(step.offset.anchor, enrolled_at=enrolled_at)
    due = step.offset.moment(anchor_at, zone=event.zone)
    if not step.needs_attendance:
        return due
    return max(due, event.settled_at or event.settles_at)


def use_ends_at(step: StepFacts, event: EventFacts, *, due: datetime) -> datetime | None:
    """Return after which moment a step is of no use any more: nothing that leads to the event comes after it."""
    limits: list[datetime] = []
    if step.offset.anchor == Anchor.START and step.offset.is_before:
        limits.append(event.starts_at)
    elif step.offset.anchor in (Anchor.ENROLLED, Anchor.START):
        limits.append(event.ends_at)
    if step.late_policy == LatePolicy.SKIP:
        limits.append(due + lateness(step.offset, own_minutes=step.late_minutes))
    return min(limits, default=None)


def why_not(
    step: StepFacts,
    event: EventFacts,
    person: PersonFacts,
    *,
    due: datetime,
    expires_at: datetime | None,
    now: datetime,
) -> str:
    """Return why a person does not get a step, or nothing."""
    if event.is_cancelled:
        return Why.CANCELLED
    if not person.is_registered:
        return Why.WITHDRAWN
    if step.condition != Condition.ANY and event.settled_at is not None:
        if person.attendance != step.condition:
            return Why.OTHER_BRANCH
        if person.told not in ("", step.condition):
            return Why.TOLD_OTHERWISE
    if step.offset.anchor == Anchor.ENROLLED and due >= event.ends_at:
        return Why.AFTER_EVENT
    if step.late_policy == LatePolicy.SKIP and due < person.enrolled_at:
        return Why.ENROLLED_LATE
    if expires_at is not None and now >= expires_at:
        return Why.ENROLLED_LATE if due < person.enrolled_at else Why.TOO_LATE
    return ""


#: How long after its last moment a person's way through a funnel is over.
LINGER = timedelta(minutes=15)
#: How soon somebody looks whether attendance is known that should be by now, and then more and more seldom: whoever
#: settles it wakes them.
LOOK = timedelta(hours=1)


def looks_again_at(
    entries: Iterable[Entry], event: EventFacts, *, now: datetime
) -> datetime | None:
    """Return when a plan may change by the clock alone, or None where it never will.

    Whoever is reminded before the event stays until it begins: were it moved, reminders could come back.
    """
    moments = [entry.at + LINGER for entry in entries if entry.verdict == Verdict.GOES]
    if any(entry.verdict == Verdict.WAITS for entry in entries):
        moments.append(max(event.settles_at + LINGER, now + max(LOOK, now - event.settles_at)))
    if any(entry.step.offset.anchor == Anchor.START for entry in entries):
        moments.append(event.starts_at)
    last = max(moments, default=now)
    return last if last > now else None

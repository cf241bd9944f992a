"""Who has no message of a step: those whose turn has not come, and those who do not get it, and why.

Most of an event's people have a message of each step, whose fate the outbox knows. Of the others only their plan knows:
nobody is written to before it is known who came, and nobody of another branch at all.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django.db.models import Case, Count, Exists, Min, OuterRef, Q, QuerySet, Value, When

from core import clock
from funnels.models import Enrollment, Launch, Step
from funnels.planning import EventFacts, PersonFacts, Verdict, due_at, entry_of
from funnels.states import Anchor, EnrollmentStatus, RegistrationStatus, Why
from messaging.models import Message, Stream

#: Beside a plan's reasons: to be begun with yet, waiting until it is known who came, ended on their way.
WAITING, UNDECIDED, ENDED = "waiting", "undecided", "ended"


def unwritten(launch: Launch, step: Step, stream: Stream) -> Counter[str]:
    """Return how many of a version's people have no message in a step's stream, by what becomes of them."""
    now, event = clock.now(), launch.event.facts
    written = Message.objects.filter(stream=stream, contact=OuterRef("registration__contact"))
    people = Enrollment.objects.filter(~Exists(written), launch=launch, version=step.version_id)
    counts: Counter[str] = Counter()
    for status, person, count in _alike(people, late_after=_late_after(step, event)):
        counts[_fate(step, event, person, status=status, now=now)] += count
    return counts


def _alike(
    people: QuerySet[Enrollment], *, late_after: datetime
) -> list[tuple[str, PersonFacts, int]]:
    """Return people of whom a plan says the same: how they stand, one of them, and how many they are."""
    groups = (
        people.annotate(
            is_late=Case(When(Q(enrolled_at__gt=late_after), then=Value(1)), default=Value(0))
        )
        .values_list(
            "status",
            "registration__status",
            "registration__attendance",
            "registration__told",
            "is_late",
        )
        .annotate(first=Min("enrolled_at"), count=Count("pk"))
        .order_by()
    )
    return [
        (
            status,
            PersonFacts(
                enrolled_at=first,
                attendance=attendance,
                told=told,
                is_registered=registered == RegistrationStatus.REGISTERED,
            ),
            count,
        )
        for status, registered, attendance, told, _, first, count in groups
    ]


def _late_after(step: Step, event: EventFacts) -> datetime:
    """Return the moment after which who enrolled is too late for a step."""
    if step.anchor == Anchor.ENROLLED:
        return event.ends_at - step.offset.elapsed
    return due_at(step.facts, event, enrolled_at=event.starts_at)


def _fate(step: Step, event: EventFacts, person: PersonFacts, *, status: str, now: datetime) -> str:
    entry = entry_of(step.facts, event, person, now=now)
    if entry.verdict == Verdict.SKIPPED:
        return str(Why(entry.why))
    if status == EnrollmentStatus.ENDED:
        return ENDED
    return UNDECIDED if entry.verdict == Verdict.WAITS else WAITING

"""What follows for everybody when an event or a launched funnel changes: some hundreds at a time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from core import clock
from funnels.models import Enrollment, Event, Launch, StepStream
from funnels.moves import moved
from funnels.retiming import COMMON
from funnels.states import LAUNCH_MOVES, EnrollmentStatus, EventStatus, LaunchStatus
from jobs.bulk import cancel_runs, wake_runs
from messaging.models import Message
from messaging.states import MessageStatus
from messaging.streams import close_stream

CHUNK = 500
#: Thousands of runs that begin or wake together let what is started meanwhile go first: lanes, and people's own work.
BEHIND = 600


def wake_chunk(event: Event, *, after: str | None) -> dict[str, Any]:
    """Let the next runs of an event look again at what they wait for; `after` is None at the end.

    Those that were only to begin once attendance is known begin then, and not before. Before it is known, only those
    are woken who may get something that was not written: what was has moved with its stream.
    """
    active = Enrollment.objects.filter(launch__event=event, status=EnrollmentStatus.ACTIVE)
    is_settled = Event.objects.filter(pk=event.pk).exclude(settled_at=None).exists()
    chunk = _next(active if is_settled else _lacking(active), after)
    runs = [run for _, run in chunk if run]
    wake_runs(runs, and_begin=is_settled, behind=BEHIND)
    return _answer(chunk)


def _lacking(active: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
    """Return those without a message, or with one that was set aside, of a step that moves with the event."""
    live = Message.objects.filter(
        stream=OuterRef("stream"), contact=OuterRef(OuterRef("registration__contact"))
    ).exclude(status=MessageStatus.SKIPPED)
    moving = StepStream.objects.filter(
        launch=OuterRef("launch"), step__version=OuterRef("version"), step__anchor__in=COMMON
    )
    return active.filter(Exists(moving.filter(~Exists(live))))


def end_chunk(launch: Launch, *, after: str | None, reason: str, actor: str) -> dict[str, Any]:
    """End the next people's way through a launched funnel, and their runs."""
    active = Enrollment.objects.filter(launch=launch, status=EnrollmentStatus.ACTIVE)
    chunk = _next(active, after)
    active.filter(pk__in=[pk for pk, _ in chunk]).update(
        status=EnrollmentStatus.ENDED, ended_reason=reason, ended_at=clock.now()
    )
    cancel_runs([run for _, run in chunk if run], by=actor)
    return _answer(chunk)


def close(launch: Launch) -> None:
    """Close the streams of a launched funnel: what still waits there is cancelled."""
    for each in launch.step_streams.select_related("stream"):
        close_stream(each.stream)


def close_finished() -> int:
    """End the launched funnels of past events that are over for everybody; return how many."""
    active = Enrollment.objects.filter(launch=OuterRef("pk"), status=EnrollmentStatus.ACTIVE)
    over = Launch.objects.exclude(status=LaunchStatus.ENDED).filter(
        ~Exists(active), event__status=EventStatus.COMPLETED
    )
    return sum(_end_finished(launch) for launch in over.select_related("event", "funnel"))


@transaction.atomic
def _end_finished(launch: Launch) -> bool:
    """End one, unless messages still wait: quiet hours hold some until morning, a paused sender for longer."""
    streams = [each.stream for each in launch.step_streams.select_related("stream")]
    if any(each.messages.filter(status__in=["pending", "sending"]).exists() for each in streams):
        return False
    if moved(launch, moves=LAUNCH_MOVES, to=LaunchStatus.ENDED, ended_at=clock.now()):
        close(launch)
        return True
    return False


Chunk = list[tuple[UUID, UUID | None]]


def _next(enrollments: QuerySet[Enrollment], after: str | None) -> Chunk:
    rows = enrollments.filter(pk__gt=UUID(after)) if after else enrollments
    return list(rows.order_by("pk").values_list("pk", "run")[:CHUNK])


def _answer(chunk: Chunk) -> dict[str, Any]:
    last = str(chunk[-1][0]) if len(chunk) == CHUNK else None
    return {"after": last, "count": len(chunk)}

"""Durable work: accompany each person, settle attendance, follow what staff change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import clock
from funnels import accompanying, following, wishes
from funnels.actions.attending import hear_late, settle_when_known
from funnels.models import Enrollment, Event, Launch, Registration
from funnels.wishes import CompletionWish, EnrollmentWish, wish_of
from funnels.zoom import hearing, joining
from jobs.context import RunContext
from jobs.events.schemas import declare_event
from jobs.registry import workflow
from jobs.triggers import Trigger
from messaging.lanes import nudge
from messaging.models import Sender


@workflow("funnels.accompany", priority=-following.BEHIND)
def accompany(run: RunContext, *, enrollment: str, funnel: str, meeting: str = "") -> str:
    """One person's way through one funnel.

    1. Register them with the meeting, where the event had one when they enrolled.
    2. Write every message whose moment is known: the outbox holds it until then.
    3. Sleep until something may have changed. Whoever moves the event, or says who came, wakes the run, which then
       takes its moment anew.
    4. It is over once the last moment has passed.
    """
    mine = Companion(accompanying.load(enrollment))
    if meeting:
        joining.join_meeting(run, mine.enrollment.registration)
    while run.transaction("write what is known", mine.write):
        mine.nudge_lanes()
        run.sleep_until("until something changes", mine.looks_again_at)
    status: str = run.transaction("finish", accompanying.finish, mine.enrollment)
    return status


class Companion:
    """What a run knows of its enrollment during one of its entries."""

    def __init__(self, enrollment: Enrollment) -> None:
        self.enrollment = enrollment
        self._looks_again_at: datetime | None = None
        self._senders: list[Sender] = []

    def write(self) -> bool:
        """Write what is known; say whether there is more to come."""
        self._looks_again_at, self._senders = accompanying.write_known(self.enrollment)
        return self._looks_again_at is not None

    def nudge_lanes(self) -> None:
        """Have sent what the last write found due."""
        for sender in self._senders:
            nudge(sender)
        self._senders = []

    @property
    def looks_again_at(self) -> datetime:
        """When to look again: as the last write found, else as it is found now, once per entry."""
        if self._looks_again_at is None:
            standing = accompanying.standing_of(self.enrollment)
            self._looks_again_at = standing.looks_again_at or clock.now()
        return self._looks_again_at


@workflow("funnels.join_meeting")
def join_meeting(run: RunContext, *, registration: str) -> None:
    """Register one person with a meeting that their event got later, or try again what failed."""
    joining.join_meeting(run, Registration.from_public_id(registration))


@workflow("funnels.settle")
def settle(run: RunContext, *, event: str) -> str:
    """Once everything has been told about who came: say of everybody whether they did, and wake who waits for it."""
    mine = Event.from_public_id(event)
    outcome = "early"
    while outcome == "early":
        run.sleep_until("until all is told", Event.from_public_id(event).settles_at)
        outcome = run.transaction("settle attendance", settle_when_known, mine, actor=run.actor)
    return outcome


@workflow("funnels.follow")
def follow(run: RunContext, *, event: str) -> int:
    """Wake everybody's run after their event changed, in chunks; return how many."""
    return _in_chunks(run, "wake", following.wake_chunk, Event.from_public_id(event))


@workflow("funnels.end")
def end(run: RunContext, *, launch: str, reason: str) -> int:
    """End everybody's way through a launched funnel, in chunks; return how many."""
    mine = Launch.from_public_id(launch)
    count = _in_chunks(run, "end", following.end_chunk, mine, reason=reason, actor=run.actor)
    run.transaction("close", following.close, mine)
    return count


def _in_chunks(run: RunContext, name: str, work: Any, *args: Any, **kwargs: Any) -> int:
    after: str | None = None
    total = 0
    while True:
        chunk = run.transaction(name, work, *args, after=after, **kwargs)
        after, total = chunk["after"], total + chunk["count"]
        run.progress(total)
        if after is None:
            return total


@workflow("funnels.tidy", cron="17 * * * *")
def tidy(run: RunContext) -> int:
    """Close the streams of launched funnels that are over for everybody, and forget what Zoom told long ago.

    Return how many funnels there were.
    """
    while run.transaction("forget", hearing.forget_old):
        pass
    return following.close_finished()


@workflow(hearing.WORKFLOW, cron="* * * * *", is_chore=True)
def hear_zoom(run: RunContext) -> int:
    """Apply what Zoom told of meetings; return how many notices there were."""
    total = 0
    while applied := hearing.apply_next(run.renew):
        total += applied
    for registration in hearing.latecomers():
        hear_late(registration, actor=run.actor)
    return total


@workflow("funnels.enroll", triggers=[Trigger("event.enrolled", input=wish_of)])
def enroll(run: RunContext, *, wish: EnrollmentWish) -> str:
    """Enroll the person that an event `event.enrolled` tells of; return the registration."""
    return str(run.transaction("enroll", wishes.enroll, wish, actor=run.actor))


@workflow("funnels.complete", triggers=[Trigger("event.completed", input=wish_of)])
def complete(run: RunContext, *, wish: CompletionWish) -> str:
    """End the event that an event `event.completed` tells of; return how it stands."""
    return str(run.transaction("complete", wishes.complete, wish, actor=run.actor))


declare_event("event.enrolled", schema=EnrollmentWish)
declare_event("event.completed", schema=CompletionWish)

"""What waits in the outbox follows its event: new times, new words. One statement per step, however many people."""

from __future__ import annotations

from funnels.models import Event, StepStream
from funnels.planning import due_at, use_ends_at
from funnels.states import Anchor, LatePolicy
from funnels.streams import of_event
from messaging.models import Message
from messaging.planned import expire, retime, tell

#: Steps whose moment is the same for everybody.
COMMON = (Anchor.START, Anchor.END)


def retime_streams(event: Event) -> int:
    """Give all that waits the moments of an event that was moved; return how many messages there were.

    What is counted from each person's enrolment keeps its moment, and is of use until the event's new end.
    """
    for each in of_event(event).filter(
        step__anchor=Anchor.ENROLLED, step__late_policy=LatePolicy.SEND_NOW
    ):
        expire(Message.objects.filter(stream=each.stream_id), at=event.end)
    common = of_event(event).filter(step__anchor__in=COMMON)
    return sum(_retime(each, event) for each in common)


def tell_streams(event: Event) -> None:
    """Have all that was not handed over yet tell of the event as it is now."""
    streams = [each.stream for each in of_event(event)]
    if any(stream.data != event.data for stream in streams):
        tell(streams, event.data)


def _retime(step_stream: StepStream, event: Event) -> int:
    step, facts = step_stream.step.facts, event.facts
    due = due_at(step, facts, enrolled_at=facts.starts_at)
    expires_at = use_ends_at(step, facts, due=due)
    waiting = Message.objects.filter(stream=step_stream.stream_id)
    return retime(waiting, not_before=due, expires_at=expires_at)

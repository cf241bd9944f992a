"""Everything that happened to one message, in order: what we did, what its provider answered, what it told later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from messaging.life import MOMENTS, Stage
from messaging.models import Message, SendBatch
from messaging.states import MessageStatus, Reason

#: How an attempt is told; the others by their own names.
ACCEPTED = "accepted"
#: A look-up at the provider is no attempt: nothing was sent by it.
FOUND = "found"


@dataclass(frozen=True, order=True)
class Entry:
    """One thing that happened: when, what (a stable word), and what is known of it."""

    at: datetime
    rank: int  #: decides between two of the same moment
    event: str
    detail: str = ""


def history_of(message: Message) -> list[Entry]:
    """Return what happened to a message, oldest first; what it waits for stands at the end."""
    return sorted([*_ours(message), *_handed_over(message), *_settled(message), *_told(message)])


def _ours(message: Message) -> Iterator[Entry]:
    yield Entry(message.created_at, 0, "written", message.stream.title)
    if message.status == MessageStatus.PENDING and message.not_before:
        yield Entry(message.not_before, 9, "held", _named(message.reason))


def _handed_over(message: Message) -> Iterator[Entry]:
    batch = message.batch
    if batch is None:
        return
    place = f"{(message.position or 0) + 1} of {batch.count} in {batch.public_id}"
    yield Entry(batch.created_at, 1, "cut", place)
    yield from _attempts(batch)


def _attempts(batch: SendBatch) -> Iterator[Entry]:
    told = list(batch.attempt_log.all())
    for attempt in told:
        if attempt.outcome == FOUND:
            yield Entry(attempt.started_at, 3, FOUND, "looked up at the provider")
            continue
        yield Entry(attempt.started_at, 2, "attempted")
        if attempt.outcome != ACCEPTED:
            yield Entry(attempt.finished_at, 3, attempt.outcome, attempt.error)
    first = batch.first_attempt_at
    if first and not any(attempt.started_at >= first for attempt in told):
        yield Entry(first, 2, "attempted", "no answer yet")


def _settled(message: Message) -> Iterator[Entry]:
    if message.settled_at is None:
        return
    if message.status == MessageStatus.SENT:
        yield Entry(message.settled_at, 4, ACCEPTED, message.provider_id)
    else:
        why = ": ".join(filter(None, (_named(message.reason), message.detail)))
        yield Entry(message.settled_at, 4, message.status, why)


def _told(message: Message) -> Iterator[Entry]:
    """Yield the moments of its life, and what else its provider told."""
    for stage in MOMENTS:
        at = getattr(message, f"{stage.value}_at")
        if at:
            yield Entry(at, 5, stage.value, _trouble(message, stage))
    for event in message.events.all():
        yield Entry(event.happened_at or event.received_at, 6, event.kind, event.note)


def _trouble(message: Message, stage: Stage) -> str:
    gravest, _, reason = message.trouble.partition(": ")
    return reason if gravest == stage.value else ""


def _named(reason: str) -> str:
    return str(Reason(reason).label) if reason in Reason.values else reason

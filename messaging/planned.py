"""Messages whose moment is known ahead: written many at once, held until then, moved when it moves, taken back.

Nobody is asked for their consent when one is written: the cut asks, at the moment at which it goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core import clock
from core.sql import share
from messaging import lanes
from messaging.batches import dissolve
from messaging.channels import Channel
from messaging.models import Contact, Message, SendBatch, Sender, Stream
from messaging.models.outbox import MessageQuerySet
from messaging.states import BatchStatus, MessageStatus, Reason, StreamStatus


@dataclass(frozen=True, slots=True)
class Planned:
    """One message to come: held until `not_before`, of no use after `expires_at`."""

    stream: Stream
    key: str
    contact: Contact
    not_before: datetime | None = None
    expires_at: datetime | None = None
    data: dict[str, Any] | None = None


@transaction.atomic
def write_planned(wanted: Sequence[Planned]) -> list[Sender]:
    """Write messages, each once per stream and key; in a closed stream as cancelled.

    The lanes of those that are held wake in time. Returns the senders with something due now: start the lanes of each
    (`lanes.ensure_lanes`), or, where many write one by one, give it a `lanes.nudge` once this is committed.
    """
    streams = {each.stream.pk for each in wanted}
    share(Stream, streams)
    present = Stream.objects.filter(pk__in=streams).select_related("sender").in_bulk()
    now = clock.now()
    rows = [_row(each, present[each.stream.pk], now=now) for each in wanted]
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return _set_alarms(row for row in rows if row.status == MessageStatus.PENDING)


def _row(planned: Planned, stream: Stream, *, now: datetime) -> Message:
    later = planned.not_before if planned.not_before and planned.not_before > now else None
    row = Message(
        stream=stream,
        key=planned.key,
        contact=planned.contact,
        address=planned.contact.address(Channel(stream.sender.channel)),
        status=MessageStatus.PENDING,
        reason=Reason.SCHEDULED if later else "",
        data=planned.data,
        not_before=later,
        expires_at=planned.expires_at,
        created_at=now,
    )
    if stream.status == StreamStatus.CLOSED:
        row.status, row.reason = MessageStatus.SKIPPED, Reason.CANCELLED
        row.not_before, row.settled_at = None, now
    return row


def _set_alarms(rows: Iterable[Message]) -> list[Sender]:
    """Have each sender's lanes woken at the first moment of what is held; return those with something due."""
    moments: dict[Sender, set[datetime | None]] = defaultdict(set)
    for row in rows:
        moments[row.stream.sender].add(row.not_before)
    for sender in sorted(moments, key=lambda each: each.pk):
        later = [at for at in moments[sender] if at is not None]
        if later:
            lanes.set_alarm_at(sender, min(later))
    return [sender for sender in moments if None in moments[sender]]


@transaction.atomic
def retime(
    messages: MessageQuerySet, *, not_before: datetime | None, expires_at: datetime | None
) -> int:
    """Give messages that were not handed over another moment; return how many there were.

    What is late by then is skipped when its turn comes.
    """
    held = not_before if not_before and not_before > clock.now() else None
    ids = _takable(messages)
    moved = Message.objects.filter(pk__in=ids, status=MessageStatus.PENDING).update(
        not_before=held, expires_at=expires_at, reason=Reason.SCHEDULED if held else ""
    )
    for sender in Sender.objects.filter(streams__messages__in=ids).distinct().order_by("pk"):
        if held:
            lanes.set_alarm_at(sender, held)
        else:
            lanes.ensure_lanes(sender)
    return moved


def expire(messages: MessageQuerySet, *, at: datetime) -> int:
    """Say of messages that still wait after which moment they are of no use; return how many there were."""
    return messages.filter(status=MessageStatus.PENDING).update(expires_at=at)


@transaction.atomic
def take_back(messages: MessageQuerySet) -> int:
    """Cancel messages that were not handed over; return how many there were. What is on its way arrives."""
    ids = _takable(messages)
    pending = Message.objects.filter(pk__in=ids, status=MessageStatus.PENDING)
    return pending.update(
        status=MessageStatus.SKIPPED,
        reason=Reason.CANCELLED,
        not_before=None,
        settled_at=clock.now(),
    )


@transaction.atomic
def tell(streams: Collection[Stream], data: dict[str, Any]) -> None:
    """Give streams other data: whatever was not handed over is written with it."""
    ids = [stream.pk for stream in streams]
    Stream.objects.filter(pk__in=ids).update(data=data)
    _takable(Message.objects.filter(stream__in=ids))


@transaction.atomic
def tell_one(messages: MessageQuerySet, data: dict[str, Any] | None) -> None:
    """Give messages that were not handed over other data of their own."""
    ids = _takable(messages)
    Message.objects.filter(pk__in=ids, status=MessageStatus.PENDING).update(data=data)


def _takable(messages: MessageQuerySet) -> list[int]:
    """Return the messages that nobody has been handed yet, out of the batches that were frozen with them.

    1. Lock the pending ones: a lane that is cutting some of them comes to its end first. 2. Dissolve what it froze.
    """
    open_ones = messages.filter(status__in=[MessageStatus.PENDING, MessageStatus.SENDING])
    pending = messages.filter(status=MessageStatus.PENDING).select_for_update(
        of=("self",), no_key=True
    )
    list(pending.order_by("pk").values_list("pk", flat=True))
    ids = list(open_ones.values_list("pk", flat=True))
    dissolve(_frozen_with(ids))
    return ids


def _frozen_with(ids: list[int]) -> list[UUID]:
    frozen = SendBatch.objects.filter(status=BatchStatus.FROZEN, messages__in=ids)
    return list(frozen.values_list("pk", flat=True).distinct())

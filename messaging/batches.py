"""The life of a batch: frozen, attempted, and dissolved or split where nothing of it was taken."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from core import clock
from jobs.models import Run
from jobs.states import OVER
from messaging import days, ledger, payloads
from messaging.audience import SENDABLE, eligibility
from messaging.channels import Channel
from messaging.models import Contact, Message, SendBatch, Sender, Stream
from messaging.states import BatchStatus, MessageStatus, StreamStatus

#: A batch that was cut so long ago is not cut by the same light any more.
FRESH = timedelta(minutes=5)


def freeze(
    payload: bytes,
    *,
    count: int,
    sender: Sender,
    run_id: uuid.UUID,
    streams: dict[str, int] | None = None,
) -> SendBatch:
    """Store the exact bytes that will go out, under a key that is never used again."""
    batch = SendBatch(sender=sender, run_id=run_id, count=count, streams=streams or {})
    batch.key = f"longhaul/{batch.public_id}"
    batch.payload = payload
    batch.save(force_insert=True)
    return batch


def mark_attempted(batch: SendBatch) -> bool:
    """Note that the provider may have this batch from now on; False where it must not go (any more).

    A frozen batch goes only while all its streams are open; an attempted one is resolved whatever its
    streams do. Each attempt is marked once: of two processes that believe to hold the batch, one gets it.
    """
    now = clock.now()
    mine = SendBatch.objects.filter(pk=batch.pk, run=batch.run_id, attempts=batch.attempts)
    marked = mine.filter(
        Q(status=BatchStatus.ATTEMPTED) | Q(~Exists(_held_back()), status=BatchStatus.FROZEN)
    ).update(
        status=BatchStatus.ATTEMPTED,
        attempts=F("attempts") + 1,
        first_attempt_at=Coalesce("first_attempt_at", now),
        last_attempt_at=now,
        next_attempt_at=None,
    )
    if marked:
        batch.status, batch.attempts = BatchStatus.ATTEMPTED, batch.attempts + 1
        batch.first_attempt_at, batch.last_attempt_at = batch.first_attempt_at or now, now
    return bool(marked)


def _held_back() -> Any:
    """Return the messages of a batch (the outer query's row) whose streams are paused or closed."""
    return Message.objects.filter(batch=OuterRef("pk")).exclude(stream__status=StreamStatus.OPEN)


@transaction.atomic
def dissolve(batch_ids: Iterable[uuid.UUID]) -> int:
    """Give the messages of frozen batches back to their streams; attempted batches stay as they are."""
    chosen = SendBatch.objects.filter(pk__in=list(batch_ids), status=BatchStatus.FROZEN)
    locked = chosen.select_for_update(of=("self",), no_key=True).order_by("pk")
    frozen = list(locked.select_related("sender").defer("compressed"))
    ids = [batch.pk for batch in frozen]
    SendBatch.objects.filter(pk__in=ids).update(
        status=BatchStatus.DISSOLVED, settled_at=clock.now()
    )
    ledger.give_back(ids, status=MessageStatus.SENDING)
    days.give_back(frozen)
    return len(ids)


def dissolve_frozen(stream: Stream) -> int:
    """Dissolve the batches that hold messages of a stream and were never attempted."""
    ours = Message.objects.filter(batch=OuterRef("pk"), stream=stream)
    frozen = SendBatch.objects.filter(
        Exists(ours), sender=stream.sender_id, status=BatchStatus.FROZEN
    )
    return dissolve(frozen.values_list("pk", flat=True))


def is_still_wanted(batch: SendBatch) -> bool:
    """Whether everybody in a frozen batch may still be written to, and now; it may have waited for days."""
    if batch.created_at < clock.now() - FRESH and (
        batch.sender.quiet_from is not None or _is_too_late(batch)
    ):
        return False  # it may have become night: its messages are judged anew, in another batch
    return not _somebody_left(batch)


def may_go_again(batch: SendBatch) -> bool:
    """Whether a doubtful batch may go out once more: its streams are open, it is not too late, nobody withdrew."""
    is_held = SendBatch.objects.filter(Exists(_held_back()), pk=batch.pk).exists()
    return not (is_held or _is_too_late(batch) or _somebody_left(batch))


def _somebody_left(batch: SendBatch) -> bool:
    streams = Stream.objects.filter(messages__batch=batch).select_related("topic").distinct()
    return any(_somebody_left_of(stream, batch) for stream in streams)


def _somebody_left_of(stream: Stream, batch: SendBatch) -> bool:
    channel = Channel(batch.sender.channel)
    people = Contact.objects.filter(messages__batch=batch, messages__stream=stream)
    why = eligibility(channel, purpose=stream.purpose, topic=stream.topic)
    return people.annotate(why=why).exclude(why=SENDABLE).exists()


def _is_too_late(batch: SendBatch) -> bool:
    return batch.messages.filter(expires_at__lte=clock.now()).exists()


def split(batch: SendBatch) -> list[SendBatch]:
    """Replace a batch of which nothing was taken by two halves with keys of their own."""
    halves = []
    first = 0
    for payload in payloads.halves(batch.payload):
        count = len(payloads.decode(payload))
        half = freeze(payload, count=count, sender=batch.sender, run_id=_owner(batch))
        halves.append((half, first))
        first += count
    ledger.move_to_batch(batch, halves)
    for half, _ in halves:
        SendBatch.objects.filter(pk=half.pk).update(streams=_streams_of(half))
    return [half for half, _ in halves]


def _streams_of(batch: SendBatch) -> dict[str, int]:
    rows = batch.messages.values_list("stream").annotate(Count("pk")).order_by()
    return {stream.hex: count for stream, count in rows}


def left_behind(sender: Sender) -> Any:
    """Return the unresolved batches of a sender whose run is over: nobody brings them to an end."""
    is_over = Exists(Run.objects.filter(pk=OuterRef("run"), status__in=OVER))
    return SendBatch.objects.unresolved().filter(Q(run=None) | is_over, sender=sender)


def take_over(sender: Sender, *, run_id: uuid.UUID) -> list[SendBatch]:
    """Make what was left behind this run's own; return everything it must bring to an end, oldest first."""
    left_behind(sender).update(run=run_id)
    return begun_by(run_id, sender=sender)


def begun_by(run_id: uuid.UUID, *, sender: Sender) -> list[SendBatch]:
    """Return everything that a run must bring to an end, oldest first."""
    return list(SendBatch.objects.unresolved().filter(sender=sender, run=run_id).order_by("id"))


def _owner(batch: SendBatch) -> uuid.UUID:
    assert batch.run_id is not None
    return batch.run_id

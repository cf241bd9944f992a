"""What a call to the provider means for a batch and its messages, written in one fenced transaction.

| the call ended with | the batch | its messages |
|---|---|---|
| an answer | settled | sent, or failed where the provider refused them |
| Rejected | one message: settled; more: split in halves | failed; or sending, in the halves |
| OptedOut | settled | failed; the address is closed, and consent withdrawn |
| NotNow, RateLimited | as before the attempt, the same key after the wait | sending |
| Deferred | as before the attempt, later again; at last as Rejected | sending |
| SenderBlocked | as before the attempt; the sender is paused | sending |
| Unknown, KeyInFlight | attempted, the same key after a while | sending |
| InDoubt | attempted, looked up after a while (see `doubts`) | sending |
| KeyConflict, UnreadableAnswer | parked | in doubt |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import singledispatch

from django.conf import settings
from django.db import transaction

from core import clock
from jobs.context import RunContext
from messaging import enquiries, ledger, pacing
from messaging.actions.answers import close_address
from messaging.actions.senders import hold_sender
from messaging.batches import split
from messaging.channels import Channel
from messaging.models import SendAttempt, SendBatch, SuppressionReason
from messaging.providers.base import (
    BatchAnswer,
    Deferred,
    InDoubt,
    KeyConflict,
    KeyInFlight,
    NotNow,
    OptedOut,
    ProviderOutcome,
    Rejected,
    SenderBlocked,
    Unknown,
    UnreadableAnswer,
)
from messaging.states import BatchStatus, MessageStatus, Reason

#: Seconds until a batch in doubt is sent again under its key, by how often the provider has left it in doubt.
BACKOFF = (0.2, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
IN_FLIGHT_SECONDS = 2.0
#: Seconds until a message that its own mail server defers is tried again; after the last it has failed.
DEFERRALS = (60.0, 120.0, 300.0, 600.0)
#: A doubt at a provider without keys is looked up for the first time after this share of DOUBT_SECONDS.
FIRST_LOOK = 1 / 18
#: Seconds for which a lane leaves such a provider alone.
BREATH = 1.0
TEXT_LENGTH = 500


class BatchLost(RuntimeError):
    """A batch was not where its lane left it: somebody else has settled it."""


@dataclass(frozen=True, slots=True)
class Next:
    """What the lane does after a settlement: wait, or send the halves of a refused batch.

    `rest` is how long every lane of the sender waits.
    """

    wait: float = 0.0
    rest: float = 0.0
    halves: tuple[SendBatch, ...] = ()


def settle(
    run: RunContext,
    batch: SendBatch,
    outcome: BatchAnswer | ProviderOutcome,
    *,
    started_at: datetime,
) -> Next:
    """Write what a call ended with; a lane that lost its lease writes nothing."""
    then = Next()
    with _fenced(run, batch):
        then = _apply(outcome, batch)
        _log(outcome, batch, started_at=started_at)
        run.renew()
        if then.rest:
            pacing.rest(batch.sender, seconds=then.rest)
    return then


def park(run: RunContext, batch: SendBatch, *, reason: str, problem: str) -> None:
    """Put a batch before a person: what became of its messages is not known, and asking again is not safe."""
    with _fenced(run, batch):
        _park(batch, reason=reason, problem=problem)
        run.renew()


def look_later(run: RunContext, batch: SendBatch, *, wait: float) -> None:
    """Leave a doubt as it is for so long."""
    with _fenced(run, batch):
        _move(batch, BatchStatus.ATTEMPTED, next_attempt_at=_in(wait))
        run.renew()


@contextmanager
def _fenced(run: RunContext, batch: SendBatch) -> Iterator[None]:
    """One transaction, undone where the batch is not this lane's any more; quietly, where its message was adopted."""
    try:
        with transaction.atomic():
            yield
    except BatchLost:
        run.renew()
        if not SendBatch.objects.filter(pk=batch.pk, status=BatchStatus.SETTLED).exists():
            raise


@singledispatch
def _apply(outcome: BatchAnswer | ProviderOutcome, batch: SendBatch) -> Next:
    raise TypeError(f"{type(outcome).__name__} has no place in the table of settlements.")


@_apply.register
def _answered(outcome: BatchAnswer, batch: SendBatch) -> Next:
    if ledger.mark_sent(batch, outcome.accepted):
        sent = batch.messages.filter(status=MessageStatus.SENT)
        enquiries.plan(batch.sender, sent.values_list("pk", flat=True))
    ledger.mark_failed(batch, outcome.rejected)
    _move(batch, BatchStatus.SETTLED, settled_at=clock.now())
    return Next(rest=outcome.rest_seconds)


@_apply.register
def _rejected(outcome: Rejected, batch: SendBatch) -> Next:
    if batch.count == 1:
        ledger.mark_failed(batch, {0: (outcome.code, outcome.message)})
        _move(batch, BatchStatus.SETTLED, settled_at=clock.now())
        return Next()
    halves = split(batch)
    _move(batch, BatchStatus.DISSOLVED, settled_at=clock.now())
    return Next(halves=tuple(halves))


@_apply.register
def _opted_out(outcome: OptedOut, batch: SendBatch) -> Next:
    then = _rejected(outcome, batch)
    for message in batch.messages.select_related("contact"):
        close_address(
            message,
            Channel(batch.sender.channel),
            reason=SuppressionReason.STOPPED,
            source=f"{batch.sender.provider} {outcome.code}",
        )
    return then


@_apply.register
def _not_now(outcome: NotNow, batch: SendBatch) -> Next:
    _take_back_the_attempt(batch, wait=outcome.wait)
    return Next(wait=outcome.wait, rest=outcome.wait)


@_apply.register
def _deferred(outcome: Deferred, batch: SendBatch) -> Next:
    before = batch.attempt_log.filter(outcome=Deferred.name).count()
    if before >= len(DEFERRALS):
        return _rejected(Rejected(outcome.code, outcome.message), batch)
    _take_back_the_attempt(batch, wait=DEFERRALS[before])
    return Next()


@_apply.register
def _blocked(outcome: SenderBlocked, batch: SendBatch) -> Next:
    _take_back_the_attempt(batch, wait=0)
    hold_sender(batch.sender, reason=str(outcome)[:TEXT_LENGTH])
    return Next()


@_apply.register
def _in_doubt(outcome: InDoubt, batch: SendBatch) -> Next:
    _move(batch, BatchStatus.ATTEMPTED, next_attempt_at=_in(FIRST_LOOK * settings.DOUBT_SECONDS))
    return Next(wait=BREATH)


@_apply.register
def _unknown(outcome: Unknown, batch: SendBatch) -> Next:
    # Attempts that a crash of ours cut short left no entry in the log: the provider is not to blame for those.
    before = batch.attempt_log.filter(outcome=Unknown.name).count()
    return _try_again(batch, wait=BACKOFF[min(before, len(BACKOFF) - 1)])


@_apply.register
def _in_flight(outcome: KeyInFlight, batch: SendBatch) -> Next:
    return _try_again(batch, wait=IN_FLIGHT_SECONDS)


@_apply.register
def _conflict(outcome: KeyConflict, batch: SendBatch) -> Next:
    _park(batch, reason=Reason.KEY_CONFLICT, problem=str(outcome))
    return Next()


@_apply.register
def _unreadable(outcome: UnreadableAnswer, batch: SendBatch) -> Next:
    _park(batch, reason=Reason.UNREADABLE_ANSWER, problem=str(outcome))
    return Next()


def _take_back_the_attempt(batch: SendBatch, *, wait: float) -> None:
    """Nothing was taken by this call: where no earlier one is in doubt, the batch is as if never attempted."""
    attempts = batch.attempts - 1
    untouched = {"first_attempt_at": None} if attempts == 0 else {}
    _move(
        batch,
        BatchStatus.ATTEMPTED if attempts else BatchStatus.FROZEN,
        attempts=attempts,
        next_attempt_at=_in(wait),
        **untouched,
    )


def _try_again(batch: SendBatch, *, wait: float) -> Next:
    _move(batch, BatchStatus.ATTEMPTED, next_attempt_at=_in(wait))
    return Next(wait=wait)


def _park(batch: SendBatch, *, reason: str, problem: str) -> None:
    batch.messages.filter(status=MessageStatus.SENDING).update(
        status=MessageStatus.IN_DOUBT,
        reason=reason,
        detail=problem[:TEXT_LENGTH],
        settled_at=clock.now(),
    )
    _move(batch, BatchStatus.PARKED, problem=problem[:TEXT_LENGTH])


def _move(batch: SendBatch, to: BatchStatus, **changes: object) -> None:
    """Move an attempted batch on, if it is still this run's own."""
    mine = SendBatch.objects.filter(
        pk=batch.pk, run=batch.run_id, status=BatchStatus.ATTEMPTED, attempts=batch.attempts
    )
    if not mine.update(status=to, **changes):
        raise BatchLost(f"{batch.public_id} is not attempt {batch.attempts} of this lane any more")
    batch.status = to


def _in(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def _log(outcome: BatchAnswer | ProviderOutcome, batch: SendBatch, *, started_at: datetime) -> None:
    attempt = SendAttempt(
        batch=batch,
        started_at=started_at,
        outcome=outcome.name,
        http_status=outcome.http_status,
    )
    if isinstance(outcome, ProviderOutcome):
        attempt.error = str(outcome)[:TEXT_LENGTH]
    attempt.save(force_insert=True)

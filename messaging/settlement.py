"""What a call to the provider means for a batch and its messages, written in one fenced transaction.

| the call ended with | the batch | its messages |
|---|---|---|
| an answer | settled | sent, or failed where the provider refused them |
| Rejected | one message: settled; more: split in halves | failed; or sending, in the halves |
| RateLimited | as before the attempt, the same key after the wait | sending |
| SenderBlocked | as before the attempt; the sender is paused | sending |
| Unknown, KeyInFlight | attempted, the same key after a while | sending |
| KeyConflict, UnreadableAnswer | parked | in doubt |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import singledispatch

from django.db import transaction

from core import clock
from jobs.context import RunContext
from messaging import ledger, pacing
from messaging.actions.senders import hold_sender
from messaging.batches import split
from messaging.models import SendAttempt, SendBatch
from messaging.providers.base import (
    BatchAnswer,
    KeyConflict,
    KeyInFlight,
    ProviderOutcome,
    RateLimited,
    Rejected,
    SenderBlocked,
    Unknown,
    UnreadableAnswer,
)
from messaging.states import BatchStatus, MessageStatus, Reason

#: Seconds until a batch in doubt is sent again under its key, by how often the provider has left it in doubt.
BACKOFF = (0.2, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
IN_FLIGHT_SECONDS = 2.0
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
    with transaction.atomic():
        then = _apply(outcome, batch)
        _log(outcome, batch, started_at=started_at)
        run.renew()
        if then.rest:
            pacing.rest(batch.sender, seconds=then.rest)
    return then


def park(run: RunContext, batch: SendBatch, *, reason: str, problem: str) -> None:
    """Put a batch before a person: what became of its messages is not known, and asking again is not safe."""
    with transaction.atomic():
        _park(batch, reason=reason, problem=problem)
        run.renew()


@singledispatch
def _apply(outcome: BatchAnswer | ProviderOutcome, batch: SendBatch) -> Next:
    raise TypeError(f"{type(outcome).__name__} has no place in the table of settlements.")


@_apply.register
def _answered(outcome: BatchAnswer, batch: SendBatch) -> Next:
    ledger.mark_sent(batch, outcome.accepted)
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
def _rate_limited(outcome: RateLimited, batch: SendBatch) -> Next:
    _take_back_the_attempt(batch, wait=outcome.wait)
    return Next(wait=outcome.wait, rest=outcome.wait)


@_apply.register
def _blocked(outcome: SenderBlocked, batch: SendBatch) -> Next:
    _take_back_the_attempt(batch, wait=0)
    hold_sender(batch.sender, reason=str(outcome)[:TEXT_LENGTH])
    return Next()


@_apply.register
def _in_doubt(outcome: Unknown, batch: SendBatch) -> Next:
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
    attempt = SendAttempt(batch=batch, started_at=started_at, outcome="accepted", http_status=200)
    if isinstance(outcome, ProviderOutcome):
        attempt.outcome, attempt.http_status = outcome.name, outcome.http_status
        attempt.error = str(outcome)[:TEXT_LENGTH]
    attempt.save(force_insert=True)

"""Doubts at a provider that keeps no keys: found out by looking, decided by the sender's policy, listed for staff.

1. The attempt was committed before the call, so a crash or a missing answer leaves a batch `attempted`.
2. The provider is asked whether it has the message; a callback that names it proves the same (`adopt`).
3. Not found after DOUBT_SECONDS: `at_most_once` parks it for a person, `at_least_once` sends it once more.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from core import clock
from jobs.context import RunContext
from messaging import batches, enquiries
from messaging.actions.senders import hold_sender
from messaging.history import FOUND
from messaging.models import InDoubtPolicy, Message, SendBatch, Sender
from messaging.providers.base import (
    BatchAnswer,
    CannotTell,
    Keyless,
    ProviderOutcome,
    SenderBlocked,
)
from messaging.providers.registry import provider_of
from messaging.settlement import look_later, park, settle
from messaging.states import BatchStatus, MessageStatus, Reason

#: Looks are taken at these shares of DOUBT_SECONDS after the attempt; the last one decides.
LOOKS = (1 / 3, 1.0)
#: How long a provider that cannot be asked is asked again, and how often.
GIVE_UP_SECONDS = 3600.0
ASK_AGAIN_SECONDS = 60.0
#: A sender of whose last messages so many in a row stayed in doubt is held: something is wrong with all of them.
MOST_IN_A_ROW = 5


def clear_up(run: RunContext, batch: SendBatch, *, provider: Keyless) -> bool:
    """Find out what became of a batch in doubt, as far as can be told now; True where it may go out once more."""
    try:
        found = found_by_provider(batch, provider=provider)
    except CannotTell:
        return _decide(run, batch, problem="No answer came, and this provider cannot be asked.")
    except ProviderOutcome as outcome:
        _ask_again(run, batch, outcome)
        return False
    if found:
        answer = BatchAnswer({0: found}, name=FOUND, http_status=None)
        settle(run, batch, answer, started_at=clock.now())
        return False
    wait = _until_next_look(batch)
    if wait:
        look_later(run, batch, wait=wait)
        return False
    return _decide(run, batch, problem="No answer came, and the provider does not list it.")


def found_by_provider(batch: SendBatch, *, provider: Keyless | None = None) -> str:
    """Return the provider's id of the one message of a batch, or nothing where it does not list it.

    Raises a ProviderOutcome: CannotTell where the provider cannot be asked.
    """
    asked = provider or provider_of(batch.sender)
    if not isinstance(asked, Keyless):
        raise CannotTell("keeps_keys", "Its keys answer for it.")
    assert batch.first_attempt_at is not None
    return _unclaimed(asked.look_up(batch.payload, since=batch.first_attempt_at))


@transaction.atomic
def adopt(message: Message, *, provider_id: str) -> bool:
    """Take a provider's word that it has a message of which we were not sure; return whether that was news.

    What is on its way at a provider with keys is left to its lane, which gets the id under its key.
    """
    unsure = [MessageStatus.IN_DOUBT]
    if isinstance(provider_of(message.stream.sender), Keyless):
        unsure += [MessageStatus.SENDING, MessageStatus.PENDING]
    adopted = Message.objects.filter(pk=message.pk, status__in=unsure).update(
        status=MessageStatus.SENT,
        provider_id=provider_id,
        reason="",
        detail="",
        settled_at=clock.now(),
    )
    if adopted:
        enquiries.plan(message.stream.sender, [message.pk])
        _close_its_batch(message)
    return bool(adopted)


def _close_its_batch(message: Message) -> None:
    """Close a batch none of whose messages is open any more; a frozen one goes nowhere."""
    still_open = [MessageStatus.IN_DOUBT, MessageStatus.SENDING]
    unsure = Message.objects.filter(batch=OuterRef("pk"), status__in=still_open)
    ours = SendBatch.objects.filter(~Exists(unsure), messages=message.pk)
    now = clock.now()
    ours.filter(status=BatchStatus.FROZEN).update(status=BatchStatus.DISSOLVED, settled_at=now)
    ours.filter(status__in=[BatchStatus.ATTEMPTED, BatchStatus.PARKED]).update(
        status=BatchStatus.SETTLED, settled_at=now
    )


def _unclaimed(ids: list[str]) -> str:
    """Return the first of these that no message of ours has: an equal text may have gone to the same person twice."""
    claimed = set(Message.objects.filter(provider_id__in=ids).values_list("provider_id", flat=True))
    return next((id for id in ids if id not in claimed), "")


def _ask_again(run: RunContext, batch: SendBatch, outcome: ProviderOutcome) -> None:
    """The look-up itself failed, so nothing is known: ask later, and after an hour a person."""
    if isinstance(outcome, SenderBlocked):
        with transaction.atomic():
            hold_sender(batch.sender, reason=str(outcome)[:500])
    if _age(batch) < GIVE_UP_SECONDS:
        look_later(run, batch, wait=max(ASK_AGAIN_SECONDS, getattr(outcome, "wait", 0.0)))
    else:
        problem = f"No answer came, and the provider could not be asked for an hour: {outcome}"
        park(run, batch, reason=Reason.UNANSWERED, problem=problem)


def _decide(run: RunContext, batch: SendBatch, *, problem: str) -> bool:
    """Return whether the policy lets it go out once more; else put it before a person."""
    may_repeat = batch.sender.in_doubt_policy == InDoubtPolicy.AT_LEAST_ONCE
    if may_repeat and batch.attempts == 1 and batches.may_go_again(batch):
        return True
    park(run, batch, reason=Reason.UNANSWERED, problem=problem)
    _hold_if_troubled(batch.sender)
    return False


@transaction.atomic
def _hold_if_troubled(sender: Sender) -> None:
    decided = SendBatch.objects.filter(
        sender=sender, status__in=[BatchStatus.SETTLED, BatchStatus.PARKED]
    )
    last = list(decided.order_by("-id").values_list("status", flat=True)[:MOST_IN_A_ROW])
    if last == [BatchStatus.PARKED] * MOST_IN_A_ROW:
        hold_sender(
            sender,
            reason=f"Its last {MOST_IN_A_ROW} messages all stayed without an answer.",
        )


def _until_next_look(batch: SendBatch) -> float:
    """Return the seconds until the next look, or 0.0 after the last."""
    age = _age(batch)
    moments = (share * settings.DOUBT_SECONDS for share in LOOKS)
    return next((moment - age for moment in moments if moment > age), 0.0)


def _age(batch: SendBatch) -> float:
    assert batch.last_attempt_at is not None
    return (clock.now() - batch.last_attempt_at).total_seconds()

"""Handing a proof over: outside any transaction, the same bytes under the same key at every attempt.

A provider that keeps no keys gets it once: where a worker dies or the answer is lost, the proof ends as failed and
says that it may have arrived.
"""

from __future__ import annotations

from django.db import transaction

from core import clock
from core.errors import RetryAfter, TransientFailure
from messaging import pacing
from messaging.models import Proof
from messaging.providers.base import (
    BatchAnswer,
    Deferred,
    InDoubt,
    KeyInFlight,
    Keyless,
    NotNow,
    ProviderOutcome,
    Unknown,
)
from messaging.providers.registry import provider_of

MAY_HAVE_ARRIVED = "It may have arrived: the provider's answer was lost. Look, then test again."
ERASED = "The person that it was about has been erased."
UNCERTAIN = (Unknown, KeyInFlight, InDoubt)


def hand_over(proof: Proof) -> str:
    """Hand a proof to its provider; return its status. Raises what makes its run try again later."""
    if not proof.payload:
        return settle(proof, problem=ERASED)
    provider = provider_of(proof.sender)
    keeps_keys = not isinstance(provider, Keyless)
    _wait_for_budget(proof)
    if not _begin(proof, again=keeps_keys):
        return settle(proof, problem=MAY_HAVE_ARRIVED)
    try:
        answer = provider.send_batch(bytes(proof.payload), key=f"longhaul/{proof.public_id}")
    except NotNow as outcome:
        _take_back(proof)
        raise RetryAfter(str(outcome), seconds=outcome.wait) from outcome
    except Deferred as outcome:
        _take_back(proof)
        raise TransientFailure(str(outcome)) from outcome
    except UNCERTAIN as outcome:
        if keeps_keys:
            raise TransientFailure(str(outcome)) from outcome
        return settle(proof, problem=MAY_HAVE_ARRIVED)
    except ProviderOutcome as outcome:
        return settle(proof, problem=str(outcome))
    return _settle_answer(proof, answer)


def settle(proof: Proof, *, provider_id: str = "", problem: str = "") -> str:
    """Note what became of a proof, once."""
    status = Proof.Status.FAILED if problem else Proof.Status.SENT
    unsettled = Proof.objects.filter(pk=proof.pk, settled_at=None)
    unsettled.update(
        status=status, provider_id=provider_id, problem=problem[:500], settled_at=clock.now()
    )
    return status.value


def _begin(proof: Proof, *, again: bool) -> bool:
    """Note that the provider may have it from now on; False where it may already, and keeps no keys."""
    begun = Proof.objects.filter(pk=proof.pk, status=Proof.Status.QUEUED)
    return bool(begun.update(status=Proof.Status.SENDING)) or again


def _take_back(proof: Proof) -> None:
    """For certain the provider took nothing."""
    Proof.objects.filter(pk=proof.pk).update(status=Proof.Status.QUEUED)


@transaction.atomic
def _wait_for_budget(proof: Proof) -> None:
    if wait := pacing.admit(proof.sender, 1):
        raise RetryAfter("The sender's pace allows no more at present.", seconds=wait)


def _settle_answer(proof: Proof, answer: BatchAnswer) -> str:
    if 0 in answer.accepted:
        return settle(proof, provider_id=answer.accepted[0])
    reason, detail = answer.rejected[0]
    return settle(proof, problem=f"{reason}: {detail}")

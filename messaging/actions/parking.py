"""What a person decides about a parked batch, after looking at the provider's own log."""

from __future__ import annotations

from django.db import transaction

from core import audit, clock
from core.errors import Conflict, Refused
from messaging import doubts, ledger
from messaging.lanes import ensure_lanes
from messaging.models import SendBatch
from messaging.providers.base import ProviderOutcome
from messaging.states import BatchStatus, MessageStatus


def look_up_again(batch: SendBatch, *, actor: str) -> bool:
    """Ask the provider about a parked message, outside any transaction; return whether it has it, and adopt it then.

    Raises Refused where the provider cannot be asked.
    """
    try:
        found = doubts.found_by_provider(batch)
    except ProviderOutcome as outcome:
        raise Refused(
            f"The provider could not be asked about {batch.public_id}: {outcome}.",
            field="batch",
            value=batch.public_id,
            remedy="Try again later, or look into the provider's own log and decide.",
        ) from outcome
    if not found:
        return False
    with transaction.atomic():
        adopted = doubts.adopt(batch.messages.get(), provider_id=found)
        audit.record("batch.found", batch, actor=actor, count=batch.count)
    return adopted


@transaction.atomic
def mark_as_sent(batch: SendBatch, *, actor: str) -> int:
    """The provider did take it: its messages are sent. Returns how many. Raises Conflict unless parked."""
    _decide(batch, to=BatchStatus.SETTLED, verb="batch.marked_as_sent", actor=actor)
    doubtful = batch.messages.filter(status=MessageStatus.IN_DOUBT)
    return doubtful.update(status=MessageStatus.SENT, reason="", settled_at=clock.now())


@transaction.atomic
def send_again(batch: SendBatch, *, actor: str) -> int:
    """The provider did not take it: its messages go out in new batches, under new keys.

    Messages of closed streams are skipped as cancelled instead. Returns how many go out again. Raises
    Conflict unless the batch is parked.
    """
    _decide(batch, to=BatchStatus.DISSOLVED, verb="batch.sent_again", actor=actor)
    again = ledger.give_back([batch.pk], status=MessageStatus.IN_DOUBT)
    ensure_lanes(batch.sender)
    return again


def _decide(batch: SendBatch, *, to: BatchStatus, verb: str, actor: str) -> None:
    parked = SendBatch.objects.parked().filter(pk=batch.pk)
    decided = parked.update(status=to, settled_at=clock.now())
    batch.refresh_from_db(fields=["status", "settled_at"])
    if not decided:
        raise Conflict(
            f"Batch {batch.public_id} is {batch.get_status_display().lower()}, not parked.",
            field="status",
            value=batch.status,
            remedy="Somebody may have decided already; look at its messages.",
        )
    audit.record(verb, batch, actor=actor, count=batch.count)

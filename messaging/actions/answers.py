"""What follows from what providers and people answer: addresses close, wishes are heeded, senders are held."""

from __future__ import annotations

from django.db import transaction

from core.models import AuditEntry
from messaging.actions.consent import (
    lift_suppression,
    resubscribe,
    suppress_address,
    unsubscribe,
    withdraw_consent,
)
from messaging.actions.senders import RESUMED, hold_sender
from messaging.addresses import address_hash
from messaging.channels import Channel
from messaging.models import (
    Contact,
    Message,
    Suppression,
    SuppressionReason,
)
from messaging.wishes import Wish

RECIPIENT = "recipient"
PROVIDER = "provider"
#: What a person says themselves, through the provider.
WORDS = (SuppressionReason.COMPLAINED, SuppressionReason.STOPPED)
LIFTED_BY_START = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.STOPPED)


@transaction.atomic
def close_address(
    message: Message, channel: Channel, *, reason: SuppressionReason, source: str
) -> None:
    """Write no more to the address that a message went to; a person's own word withdraws consent as well.

    `source` is where the provider said so.
    """
    hashed = address_hash(message.address)
    if not hashed:
        return  # its person was erased, and the address closed with that
    if reason in WORDS:
        withdraw_consent(message.contact, channel, source=source, actor=RECIPIENT)
    suppress_address(channel, hashed, reason=reason, source=source, actor=PROVIDER)


@transaction.atomic
def block_sender(message: Message, *, why: str) -> bool:
    """Hold a message's sender, of which nothing can go out until a person mends it; return whether it is held by this.

    News of what was handed over before somebody last resumed the sender says nothing about it as it is now.
    """
    sender = message.stream.sender
    resumed = AuditEntry.objects.about(sender).filter(verb=RESUMED).first()
    if resumed and message.settled_at and message.settled_at <= resumed.at:
        return False
    return hold_sender(sender, reason=why)


@transaction.atomic
def heed(wish: Wish, *, phone: str) -> None:
    """Do what a person asked for by SMS; the provider itself answers HELP."""
    contact = Contact.objects.filter(phone=phone).first()
    source = f"SMS reply {wish.value}"
    if wish is Wish.STOP and contact:
        reason = SuppressionReason.STOPPED
        unsubscribe(contact, Channel.SMS, source=source, actor=RECIPIENT, reason=reason)
    elif wish is Wish.STOP:
        _stop(phone, source=source)
    elif wish is Wish.START and contact:
        resubscribe(
            contact,
            Channel.SMS,
            source=source,
            actor=RECIPIENT,
            wording="",
            lifts=LIFTED_BY_START,
        )
    elif wish is Wish.START:
        _start(phone)


def _stop(phone: str, *, source: str) -> None:
    """Close a number that no contact has: whoever gets it later starts with what was said."""
    hashed = address_hash(phone)
    suppress_address(
        Channel.SMS,
        hashed,
        reason=SuppressionReason.STOPPED,
        source=source,
        actor=RECIPIENT,
    )


def _start(phone: str) -> None:
    closed = Suppression.objects.filter(
        channel=Channel.SMS, address_hash=address_hash(phone), reason__in=LIFTED_BY_START
    )
    for suppression in closed:
        lift_suppression(suppression, actor=RECIPIENT)

"""Giving and withdrawing consent, and closing an address to a channel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from django.db import transaction

from core import audit, clock
from core.errors import NotFound, Refused
from core.ids import decode
from messaging import lives
from messaging.attributes import clean_text
from messaging.channels import Channel
from messaging.life import Happening, Stage
from messaging.models import (
    Consent,
    ConsentEvent,
    ConsentState,
    Contact,
    Message,
    Suppression,
    SuppressionReason,
)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How we know what a person said: kept with each event of their history."""

    source: str
    actor: str
    wording: str = ""
    ip_address: str | None = None

    def __post_init__(self) -> None:
        clean_text(self.wording, field="wording")
        if not clean_text(self.source, field="source", max_length=200):
            raise Refused(
                "Consent needs a source.",
                field="source",
                value=self.source,
                remedy="Say where it was given, such as 'newsletter form'.",
            )


def give_consent(
    contact: Contact,
    channel: Channel,
    *,
    source: str,
    actor: str,
    wording: str = "",
    ip_address: str | None = None,
) -> bool:
    """Record that a person agreed, and to which wording; return whether that changed anything.

    A suppression still stands after this; only the person (`resubscribe`) or staff lift it.
    """
    evidence = Evidence(source=source, actor=actor, wording=wording, ip_address=ip_address)
    return _record(contact, channel, ConsentState.GRANTED, evidence, verb="consent.given")


def withdraw_consent(
    contact: Contact,
    channel: Channel,
    *,
    source: str,
    actor: str,
    ip_address: str | None = None,
) -> bool:
    """Record that a person no longer agrees; return whether that changed anything."""
    evidence = Evidence(source=source, actor=actor, ip_address=ip_address)
    return _record(contact, channel, ConsentState.WITHDRAWN, evidence, verb="consent.withdrawn")


def unsubscribe(
    contact: Contact,
    channel: Channel,
    *,
    source: str,
    actor: str,
    ip_address: str | None = None,
    message: str = "",
    reason: SuppressionReason = SuppressionReason.UNSUBSCRIBED,
) -> bool:
    """Withdraw consent and suppress the address, as the person asked; return whether that changed.

    `message` is the public id of the message whose link was used.
    """
    evidence = Evidence(source=source, actor=actor, ip_address=ip_address)
    with transaction.atomic():
        _tell_message(message, contact)
        withdrawn = _move_consent(contact, channel, ConsentState.WITHDRAWN, evidence)
        suppressed = _suppress(
            channel,
            contact.address_hash_for(channel),
            reason=reason,
            source=source,
        )
        changed = withdrawn or suppressed is not None
        if changed:
            detail = {"channel": channel, "source": source, "message": message}
            audit.record("contact.unsubscribed", contact, actor=actor, **detail)
    return changed


def resubscribe(
    contact: Contact,
    channel: Channel,
    *,
    source: str,
    actor: str,
    wording: str,
    ip_address: str | None = None,
    lifts: Collection[SuppressionReason] = (SuppressionReason.UNSUBSCRIBED,),
) -> bool:
    """Take an unsubscription back, as the person asked; a bounce or a complaint still stands."""
    evidence = Evidence(source=source, actor=actor, wording=wording, ip_address=ip_address)
    own_wish = Suppression.objects.filter(
        channel=channel,
        address_hash=contact.address_hash_for(channel),
        reason__in=lifts,
    )
    with transaction.atomic():
        granted = _move_consent(contact, channel, ConsentState.GRANTED, evidence)
        lifted, _ = own_wish.delete()
        changed = granted or lifted > 0
        if changed:
            detail = {"channel": channel, "source": source}
            audit.record("contact.resubscribed", contact, actor=actor, **detail)
    return changed


def suppress_address(
    channel: Channel,
    hashed: str,
    *,
    reason: SuppressionReason,
    actor: str,
    source: str = "",
) -> bool:
    """Close an address, named by its hash, to a channel; return whether it was open before."""
    if not hashed:
        raise Refused("There is no address to suppress.", field="address", remedy="Name one.")
    with transaction.atomic():
        suppression = _suppress(channel, hashed, reason=reason, source=source)
        if suppression:
            audit.record("address.suppressed", suppression, actor=actor, reason=reason)
    return suppression is not None


def lift_suppression(suppression: Suppression, *, actor: str) -> bool:
    """Open an address again; return whether it was closed. This gives no consent."""
    with transaction.atomic():
        deleted, _ = Suppression.objects.filter(pk=suppression.pk).delete()
        if deleted:
            audit.record(
                "address.unsuppressed", suppression, actor=actor, reason=suppression.reason
            )
    return deleted > 0


@transaction.atomic
def _record(
    contact: Contact, channel: Channel, state: ConsentState, evidence: Evidence, *, verb: str
) -> bool:
    """Write down what a person said; return whether that changed anything."""
    changed = _move_consent(contact, channel, state, evidence)
    if changed:
        detail = {"channel": channel, "source": evidence.source}
        audit.record(verb, contact, actor=evidence.actor, **detail)
    return changed


def _move_consent(
    contact: Contact, channel: Channel, state: ConsentState, evidence: Evidence
) -> bool:
    """Move the present state and append to the history; leave both alone if it stands there."""
    at = clock.now()
    _, moved = Consent.objects.get_or_create(
        contact=contact, channel=channel, defaults={"state": state, "updated_at": at}
    )
    if not moved:
        present = Consent.objects.filter(contact=contact, channel=channel)
        moved = present.exclude(state=state).update(state=state, updated_at=at) > 0
    if moved:
        ConsentEvent.objects.create(
            contact=contact, channel=channel, state=state, at=at, **asdict(evidence)
        )
    return moved


def _suppress(
    channel: Channel, hashed: str, *, reason: SuppressionReason, source: str
) -> Suppression | None:
    """Suppress an address unless it is; return the row if it is new, or closes more than before."""
    if not hashed:
        return None
    suppression, is_new = Suppression.objects.get_or_create(
        channel=channel, address_hash=hashed, defaults={"reason": reason, "source": source}
    )
    return suppression if is_new or _is_graver(suppression, reason, source) else None


def _is_graver(suppression: Suppression, reason: SuppressionReason, source: str) -> bool:
    """Give an unsubscribed address the graver reason, which ends transactional messages too."""
    mild = Suppression.objects.filter(pk=suppression.pk, reason=SuppressionReason.UNSUBSCRIBED)
    return mild.exclude(reason=reason).update(reason=reason, source=source) > 0


def _tell_message(public_id: str, contact: Contact) -> None:
    """Note on a message that its link ended the subscription. It is locked before anything else is."""
    try:
        number = decode(Message.id_prefix, public_id)
    except NotFound:
        return
    messages = lives.lock([number], wait=True)
    if number in messages and messages[number].contact_id == contact.pk:
        happening = Happening(Stage.UNSUBSCRIBED, clock.now())
        lives.tell({number: [happening]}, messages=messages)

"""Sending a test: one message to an address of a person's choice, through a real sender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from core import audit
from core.errors import Refused
from jobs.starting import start_run
from messaging import payloads
from messaging.actions.templates import latest_version
from messaging.addresses import address_hash, normalise_email, normalise_phone
from messaging.channels import Channel
from messaging.content.blocks import good_copies
from messaging.contexts import sender_context
from messaging.mails import from_line
from messaging.models import (
    Contact,
    Proof,
    Sender,
    Suppression,
    SuppressionReason,
    Template,
    TemplateVersion,
)
from messaging.previews import preview_context
from messaging.providers import registry
from messaging.rendering import Rendered, TemplateError, compiled
from messaging.texts import origin_of

MARK = "[Test]"


def send_proof(
    template: Template,
    *,
    sender: Sender,
    address: str,
    actor: str,
    contact: Contact | None = None,
    data: Mapping[str, Any] | None = None,
) -> Proof:
    """Put a test of the latest version on its way, written as for `contact` or a sample person.

    It asks for no consent, is marked as a test, and its unsubscribe link ends nothing. Raises Refused for an
    address that is none or takes no messages, a sender that cannot send, and a person without a needed value.
    """
    version = latest_version(template)
    _check_sender(sender, template)
    to = _normalised(address, Channel(template.channel))
    proof = Proof(version=version, sender=sender, address=to, contact=contact, created_by=actor)
    rendered = _rendered(version, contact, sender=sender, data=data)
    proof.payload = payloads.encode([_message(proof, rendered)])
    with transaction.atomic():
        proof.save(force_insert=True)
        start_run("messaging.send_proof", input={"proof": proof.public_id}, actor=actor)
        audit.record(
            "template.proof_sent",
            template,
            actor=actor,
            proof=proof.public_id,
            number=version.number,
            sender=sender.public_id,
        )
    return proof


def _check_sender(sender: Sender, template: Template) -> None:
    if sender.channel != template.channel:
        raise Refused(
            f"“{sender.name}” sends {sender.channel}, but “{template.name}” is written for "
            f"{template.channel}.",
            field="sender",
            value=sender.name,
            remedy=f"Choose a sender for {template.channel}.",
        )
    if sender.is_paused:
        raise Refused(
            f"The sender “{sender.name}” is paused: {sender.paused_reason}",
            field="sender",
            value=sender.name,
            remedy="Resume it, or choose another sender.",
            code="sender_paused",
        )
    registry.check_ready(sender)


def _normalised(address: str, channel: Channel) -> str:
    to = normalise_email(address) if channel == Channel.EMAIL else normalise_phone(address)
    known = Suppression.objects.filter(channel=channel, address_hash=address_hash(to))
    if known.exclude(reason=SuppressionReason.UNSUBSCRIBED).exists():
        raise Refused(
            f"{to} takes no messages: it bounced, complained or was stopped.",
            field="address",
            value=to,
            remedy="Send the test to another address.",
            code="suppressed",
        )
    return to


def _rendered(
    version: TemplateVersion,
    contact: Contact | None,
    *,
    sender: Sender,
    data: Mapping[str, Any] | None,
) -> Rendered:
    context = preview_context(contact, content=good_copies(version.content_blocks), data=data)
    context |= {
        "sender": sender_context(sender),
        "unsubscribe_url": f"{settings.PUBLIC_URL}/u/test",
        "preferences_url": f"{settings.PUBLIC_URL}/preferences/test",
    }
    try:
        return compiled(version).render(context)
    except TemplateError as error:
        raise Refused(
            f"{contact or 'A sample person'} could not get it: {error}.",
            field="contact",
            value=error.variable,
            remedy="Give the variable a default, or write it as for somebody who has it.",
            code="template_error",
        ) from error


def _message(proof: Proof, rendered: Rendered) -> dict[str, Any]:
    """Return the wire form, as `mails` and `texts` write it, marked as a test for people and programs."""
    tags = [{"name": "message", "value": proof.public_id}, {"name": "test", "value": "1"}]
    sender = proof.sender
    if sender.channel == Channel.SMS:
        text = f"{MARK} {rendered.text.strip()}"
        return {**origin_of(sender), "to": [proof.address], "text": text, "tags": tags}
    mail = {
        "from": from_line(sender),
        "to": [proof.address],
        "subject": f"{MARK} {rendered.subject}",
        "html": rendered.html,
        "text": rendered.text,
        "reply_to": sender.reply_to,
        "tags": tags,
    }
    return {name: value for name, value in mail.items() if value}

"""Sending one message to one person: what the API, a command and other code ask for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from core.ids import uuid7
from messaging.actions.people import create_contact
from messaging.addresses import normalise_email, normalise_phone
from messaging.channels import Channel
from messaging.contexts import context_for
from messaging.models import Contact, Message, Sender, Template, TemplateVersion
from messaging.providers.registry import check_ready
from messaging.rendering import TemplateError, compiled
from messaging.states import Purpose, SenderStatus
from messaging.streams import standing_stream, write_message

DATA_MAX_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a single message goes out: not before a moment, not after another, and what of quiet hours."""

    quiet_hours: str = ""
    not_before: datetime | None = None
    expires_at: datetime | None = None


def send_message(
    template: Template,
    *,
    actor: str,
    contact: Contact | None = None,
    to: str = "",
    channel: str = "",
    sender: Sender | None = None,
    data: Mapping[str, Any] | None = None,
    timing: Timing | None = None,
) -> Message:
    """Write one transactional message to a contact, or to an address, and return it; a lane sends it.

    An address that nobody has becomes a contact, who agreed to nothing by that. Raises Refused where the template,
    the address or its data cannot become a message, naming which; then nothing was written.
    """
    version = _version(template, channel=channel)
    chosen = sender or the_sender(Channel(template.channel))
    _check_sender(chosen, template)
    values = _checked(data or {})
    with transaction.atomic():
        person = contact or contact_of(to, channel=Channel(template.channel), actor=actor)
        _check_address(person, Channel(template.channel))
        _check_renders(version, person, sender=chosen, data=values)
        message = _write(version, person, sender=chosen, data=values, timing=timing or Timing())
        audit.record("message.written", message, actor=actor, template=template.public_id)
    return message


def the_sender(channel: Channel) -> Sender:
    """Return the only active sender of a channel; raise Refused where there is none, or a choice."""
    senders = list(Sender.objects.filter(channel=channel, status=SenderStatus.ACTIVE)[:5])
    if len(senders) == 1:
        return senders[0]
    names = ", ".join(f"{sender.name} ({sender.public_id})" for sender in senders)
    raise Refused(
        f"There are several senders for {channel.label}: {names}."
        if senders
        else f"No sender for {channel.label} is active.",
        field="sender",
        remedy="Name one of them." if senders else "Make one, or resume one.",
    )


def contact_of(address: str, *, channel: Channel, actor: str) -> Contact:
    """Return whose address this is on a channel, as a new contact if it is nobody's; raise Refused for no address."""
    normalise = normalise_email if channel is Channel.EMAIL else normalise_phone
    try:
        whole = {channel.address_field: normalise(address)}
    except Refused as refusal:
        raise Refused(
            refusal.message,
            field="to",
            value=address,
            remedy=refusal.remedy,
            code="invalid_address",
        ) from None
    found = Contact.objects.filter(**whole).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return create_contact(actor=actor, **whole)
    except Conflict:  # somebody else made it at the same moment
        return Contact.objects.get(**whole)


def _version(template: Template, *, channel: str) -> TemplateVersion:
    if channel and channel != template.channel:
        raise Refused(
            f"The template “{template}” is for {template.get_channel_display()}.",
            field="channel",
            value=channel,
            remedy="Leave the channel out, or name another template.",
        )
    version = template.latest
    if version is None:
        raise Refused(
            f"The template “{template}” has no version yet.",
            field="template",
            value=template.public_id,
            remedy="Write its content and save it.",
        )
    return version


def _check_sender(sender: Sender, template: Template) -> None:
    if sender.channel != template.channel:
        raise Refused(
            f"The sender “{sender}” is for {sender.get_channel_display()}, the template for"
            f" {template.get_channel_display()}.",
            field="sender",
            value=sender.public_id,
            remedy="Name a sender of that channel.",
        )
    check_ready(sender)


def _checked(data: Mapping[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(data).encode())
    if size > DATA_MAX_BYTES:
        raise Refused(
            f"The data has {size:,} bytes.",
            field="data",
            remedy=f"Send at most {DATA_MAX_BYTES:,}.",
        )
    return dict(data)


def _check_address(contact: Contact, channel: Channel) -> None:
    if not contact.address(channel):
        raise Refused(
            f"{contact.public_id} has no address for {channel.label}.",
            field="contact",
            value=contact.public_id,
            remedy="Give the contact one first.",
            code="no_address",
        )


def _check_renders(
    version: TemplateVersion, contact: Contact, *, sender: Sender, data: dict[str, Any]
) -> None:
    """Write it once to see that nothing is missing; blocks of external content are filled later."""
    context = context_for(contact, sender=sender, title="", data=data, unsubscribe_url="")
    try:
        compiled(version).render(context)
    except TemplateError as error:
        if not error.variable.startswith("content"):
            raise Refused(
                f"The template “{version.template}” cannot be written: {error}.",
                field="data",
                value=error.variable or None,
                remedy="Send a value for it in `data`, or give it a default in the template.",
                code="missing_variable" if error.variable else "template_error",
            ) from error


def _write(
    version: TemplateVersion,
    contact: Contact,
    *,
    sender: Sender,
    data: dict[str, Any],
    timing: Timing,
) -> Message:
    stream = standing_stream(
        "single",
        title=f"Single messages: {version.template.name}"[:200],
        sender=sender,
        template_version=version,
        priority=SINGLE_PRIORITY,
        purpose=Purpose.TRANSACTIONAL,
    )
    return write_message(
        stream,
        contact=contact,
        key=uuid7().hex,
        data=data or None,
        quiet_hours=timing.quiet_hours,
        not_before=timing.not_before,
        expires_at=timing.expires_at,
    )


#: What a person waits for goes before what goes to many.
SINGLE_PRIORITY = 100

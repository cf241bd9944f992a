"""One SMS as it goes over the wire: the form of an e-mail (see `mails`) without subject and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from messaging.channels import Channel
from messaging.contexts import context_for
from messaging.ledger import Claim
from messaging.mails import tags_of
from messaging.models import Contact, Sender
from messaging.rendering import TemplateError, compiled
from messaging.unsubscribe import unsubscribe_url

#: What Twilio takes at most (error 21617).
MAX_LENGTH = 1_600


def write(
    claim: Claim, *, contact: Contact, sender: Sender, content: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the SMS of one message; `content` holds the blocks it may show. Raises TemplateError."""
    stream = claim.stream
    rendered = compiled(stream.template_version).render(
        context_for(
            contact,
            sender=sender,
            title=stream.title,
            data=claim.said,
            unsubscribe_url=unsubscribe_url(contact, channel=Channel.SMS, message=claim.id),
            content=content,
        )
    )
    return {
        **origin_of(sender),
        "to": [contact.phone],
        "text": checked(rendered.text),
        "tags": tags_of(claim),
    }


def origin_of(sender: Sender) -> dict[str, str]:
    """Return what an SMS comes from, `from` or `messaging_service`: the sender's own, else the settings'."""
    if sender.from_number or sender.messaging_service:
        number, service = sender.from_number, sender.messaging_service
    else:
        number, service = settings.TWILIO_PHONE_NUMBER, settings.TWILIO_MESSAGING_SERVICE_SID
    if number:
        return {"from": number}
    return {"messaging_service": service} if service else {}


def checked(text: str) -> str:
    """Return a text without blank ends; raise TemplateError where no provider would take it."""
    text = text.strip()
    if not text:
        raise TemplateError("The text is empty for this person.")
    if len(text) > MAX_LENGTH:
        raise TemplateError(f"The text has {len(text):,} characters; an SMS holds {MAX_LENGTH:,}.")
    return text

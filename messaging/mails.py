"""One e-mail as it goes over the wire: the same form for every provider (the one of Resend's `POST /emails/batch`)."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formataddr
from typing import Any

from core.ids import encode
from messaging.contexts import context_for
from messaging.ledger import Claim
from messaging.models import Contact, Message, Sender
from messaging.rendering import compiled
from messaging.unsubscribe import list_unsubscribe_headers, own_page, unsubscribe_url


def write(
    claim: Claim, *, contact: Contact, sender: Sender, content: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the e-mail of one message; `content` holds the blocks it may show. Raises TemplateError."""
    stream = claim.stream
    said = claim.said
    url = own_page(said) or unsubscribe_url(contact, message=claim.id)
    rendered = compiled(stream.template_version).render(
        context_for(
            contact,
            sender=sender,
            title=stream.title,
            data=said,
            unsubscribe_url=url,
            content=content,
        )
    )
    mail = {
        "from": from_line(sender),
        "to": [contact.email],
        "subject": rendered.subject,
        "html": rendered.html,
        "text": rendered.text,
        "headers": list_unsubscribe_headers(url),
        "tags": tags_of(claim),
    }
    if sender.reply_to:
        mail["reply_to"] = sender.reply_to
    return {name: value for name, value in mail.items() if value}


def tags_of(claim: Claim) -> list[dict[str, str]]:
    """Return what travels with a message and comes back with news of it: its public id."""
    return [{"name": "message", "value": encode(Message.id_prefix, claim.id)}]


def from_line(sender: Sender) -> str:
    """Return `Name <address>`, quoted where the name needs it."""
    return formataddr((sender.from_name, sender.from_email), charset="utf-8")

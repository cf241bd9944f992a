"""What a template sees: one shape, whether a message goes out, is tested or is previewed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from messaging.models import Contact, Sender
from messaging.rendering import contact_context


def context_for(
    contact: Contact,
    *,
    sender: Sender,
    title: str,
    data: Mapping[str, Any],
    unsubscribe_url: str,
    content: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what one message is rendered from; `content` holds the blocks of the Content API by slug."""
    return {
        "contact": contact_context(contact),
        "campaign": {"name": title},
        "data": data,
        "event": data.get("event", {}),
        "sender": sender_context(sender),
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": unsubscribe_url.replace("/u/", "/preferences/"),
        "content": content or {},
    }


def sender_context(sender: Sender) -> dict[str, str]:
    """Return what templates see of a sender; commercial mail must show a postal address (CAN-SPAM)."""
    return {
        "name": sender.from_name or sender.name,
        "email": sender.from_email,
        "postal_address": settings.POSTAL_ADDRESS,
    }

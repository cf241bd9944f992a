"""Adding a person together with what they agreed to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact


@dataclass(frozen=True, kw_only=True)
class GivenConsent:
    """What a person agreed to, as the caller heard it."""

    channel: Channel
    source: str
    wording: str = ""
    ip_address: str | None = None


def register_contact(
    *, actor: str, consents: Iterable[GivenConsent] = (), **details: Any
) -> Contact:
    """Create a contact and record their consents: all of it, or nothing."""
    with transaction.atomic():
        contact = create_contact(actor=actor, **details)
        for given in consents:
            give_consent(
                contact,
                given.channel,
                source=given.source,
                wording=given.wording,
                ip_address=given.ip_address,
                actor=actor,
            )
    return contact

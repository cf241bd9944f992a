"""Every noun of messaging."""

from __future__ import annotations

from messaging.models.batches import Lane, SandboxMessage, SendAttempt, SendBatch
from messaging.models.consent import (
    Consent,
    ConsentEvent,
    ConsentState,
    Suppression,
    SuppressionReason,
)
from messaging.models.outbox import Message, ProviderName, Sender, Stream
from messaging.models.people import Contact, ContactList, ListMember
from messaging.models.templates import Template, TemplateVersion

__all__ = [
    "Consent",
    "ConsentEvent",
    "ConsentState",
    "Contact",
    "ContactList",
    "Lane",
    "ListMember",
    "Message",
    "ProviderName",
    "SandboxMessage",
    "SendAttempt",
    "SendBatch",
    "Sender",
    "Stream",
    "Suppression",
    "SuppressionReason",
    "Template",
    "TemplateVersion",
]

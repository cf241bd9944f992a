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
from messaging.models.content import ContentBlock
from messaging.models.outbox import Message, ProviderName, Sender, Stream
from messaging.models.pace import SenderDay
from messaging.models.people import Contact, ContactList, ListMember
from messaging.models.proofs import Proof, ProofStatus
from messaging.models.templates import Template, TemplateVersion

__all__ = [
    "Consent",
    "ConsentEvent",
    "ConsentState",
    "Contact",
    "ContactList",
    "ContentBlock",
    "Lane",
    "ListMember",
    "Message",
    "Proof",
    "ProofStatus",
    "ProviderName",
    "SandboxMessage",
    "SendAttempt",
    "SendBatch",
    "Sender",
    "SenderDay",
    "Stream",
    "Suppression",
    "SuppressionReason",
    "Template",
    "TemplateVersion",
]

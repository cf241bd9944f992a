"""Every noun of messaging."""

from __future__ import annotations

from messaging.models.batches import Lane, SandboxMessage, SendAttempt, SendBatch
from messaging.models.confirmations import Confirmation
from messaging.models.consent import (
    Consent,
    ConsentEvent,
    ConsentState,
    Suppression,
    SuppressionReason,
)
from messaging.models.content import ContentBlock
from messaging.models.enquiries import Enquiry
from messaging.models.events import EventReader, EventSource, ProviderEvent, StreamHour
from messaging.models.outbox import InDoubtPolicy, Message, ProviderName, Sender, Stream
from messaging.models.pace import SenderDay
from messaging.models.people import Contact, ContactList, ListMember
from messaging.models.proofs import Proof, ProofStatus
from messaging.models.templates import Template, TemplateVersion
from messaging.models.topics import Topic, TopicChoice

__all__ = [
    "Confirmation",
    "Consent",
    "ConsentEvent",
    "ConsentState",
    "Contact",
    "ContactList",
    "ContentBlock",
    "Enquiry",
    "EventReader",
    "EventSource",
    "InDoubtPolicy",
    "Lane",
    "ListMember",
    "Message",
    "Proof",
    "ProofStatus",
    "ProviderEvent",
    "ProviderName",
    "SandboxMessage",
    "SendAttempt",
    "SendBatch",
    "Sender",
    "SenderDay",
    "Stream",
    "StreamHour",
    "Suppression",
    "SuppressionReason",
    "Template",
    "TemplateVersion",
    "Topic",
    "TopicChoice",
]

"""Every noun of messaging."""

from __future__ import annotations

from messaging.models.consent import (
    Consent,
    ConsentEvent,
    ConsentState,
    Suppression,
    SuppressionReason,
)
from messaging.models.people import Contact, ContactList, ListMember
from messaging.models.templates import Template, TemplateVersion

__all__ = [
    "Consent",
    "ConsentEvent",
    "ConsentState",
    "Contact",
    "ContactList",
    "ListMember",
    "Suppression",
    "SuppressionReason",
    "Template",
    "TemplateVersion",
]

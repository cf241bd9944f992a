"""How a version looks to one person, before anybody gets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from messaging.models import Contact, TemplateVersion
from messaging.rendering import Rendered, TemplateError, compiled, contact_context
from messaging.variables import missing

SAMPLE = {
    "first_name": "Thandi",
    "last_name": "Nkosi",
    "email": "thandi@example.com",
    "phone": "+27825550134",
    "time_zone": "Africa/Johannesburg",
    "attributes": {},
}


@dataclass(frozen=True)
class Preview:
    """What this person would get, or why they cannot get it; and what of them is unknown."""

    who: str
    rendered: Rendered | None = None
    problem: str = ""
    missing: list[str] = field(default_factory=list)


def preview(version: TemplateVersion, contact: Contact | None) -> Preview:
    """Render a version for a contact, or for a sample person."""
    context = preview_context(contact)
    who = str(contact) if contact else "a sample person"
    unknown = missing(version.variables, context)
    try:
        return Preview(who, compiled(version).render(context), missing=unknown)
    except TemplateError as error:
        return Preview(who, problem=str(error), missing=unknown)


def preview_context(contact: Contact | None) -> dict[str, Any]:
    return {
        "contact": contact_context(contact) if contact else SAMPLE,
        "campaign": {"name": "Preview"},
        "data": {},
        "sender": {"name": "Your sender", "email": "sender@example.com"},
        "unsubscribe_url": "https://example.com/u/preview",
        "preferences_url": "https://example.com/preferences/preview",
    }

"""How a version looks to one person, before anybody gets it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings

from core import clock
from messaging.content.blocks import good_copies
from messaging.estimates import cost_of
from messaging.models import Contact, TemplateVersion
from messaging.proofreading import remarks_about
from messaging.rendering import (
    Rendered,
    TemplateError,
    compiled,
    contact_context,
    parse_plain,
)
from messaging.segments import Segments, segments_of
from messaging.variables import missing

SAMPLE = {
    "first_name": "Thandi",
    "last_name": "Nkosi",
    "email": "thandi@example.com",
    "phone": "+27825550134",
    "time_zone": "Africa/Johannesburg",
    "attributes": {},
}
DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
LIGHT = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)", re.IGNORECASE)
ALWAYS, NEVER = "(min-width: 0)", "(max-width: 0)"


@dataclass(frozen=True)
class Preview:
    """What this person would get, or why they cannot get it; and what of them is unknown."""

    who: str
    rendered: Rendered | None = None
    preheader: str = ""
    problem: str = ""
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    #: How an SMS is billed.
    segments: Segments | None = None
    #: Blocks of external content of which there is no good copy: their fallback is shown.
    absent: list[str] = field(default_factory=list)

    @property
    def cost(self) -> str:
        """What that costs, or nothing where no price is set."""
        return cost_of(self.segments.count) if self.segments else ""


def preview(
    version: TemplateVersion, contact: Contact | None, *, data: Mapping[str, Any] | None = None
) -> Preview:
    """Render a version for a contact or a sample person, with given data or a sample event."""
    copies = good_copies(version.content_blocks)
    context = preview_context(contact, content=copies, data=data)
    found: dict[str, Any] = {
        "who": str(contact) if contact else "a sample person",
        "missing": missing(version.variables, context),
        "absent": sorted(set(version.content_blocks) - copies.keys()),
    }
    try:
        rendered = compiled(version).render(context)
        line = parse_plain(version.preheader).render(context)
    except TemplateError as error:
        return Preview(**found, problem=str(error))
    return Preview(
        **found,
        rendered=rendered,
        preheader=line,
        remarks=remarks_about(rendered),
        segments=None if version.subject else segments_of(rendered.text.strip()),
    )


def preview_context(
    contact: Contact | None,
    *,
    content: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a preview is rendered from: a real person or a sample, and a sample of everything not given."""
    data = {"event": sample_event()} if data is None else data
    return {
        "contact": contact_context(contact) if contact else SAMPLE,
        "campaign": {"name": "Preview"},
        "data": data,
        "event": data.get("event", {}),
        "sender": {
            "name": "Your sender",
            "email": "sender@example.com",
            "postal_address": settings.POSTAL_ADDRESS or "Your postal address",
        },
        "unsubscribe_url": "https://example.com/u/preview",
        "preferences_url": "https://example.com/preferences/preview",
        "content": content or {},
    }


def sample_event() -> dict[str, Any]:
    """Return an event of tomorrow, with everything that shipped templates ask for."""
    start = clock.now().replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return {
        "title": "Fundraising for small teams",
        "start_at": start.isoformat(),
        "end_at": (start + timedelta(hours=1)).isoformat(),
        "join_url": "https://example.com/join/8f2c",
        "recording_url": "https://example.com/recording",
        "next_url": "https://example.com/dates",
        "resources": [
            {"title": "The slides", "url": "https://example.com/slides"},
            {"title": "The checklist", "url": "https://example.com/checklist"},
        ],
    }


def in_scheme(html: str, *, is_dark: bool) -> str:
    """Return HTML that looks as in a dark or a light mail program, whatever the browser prefers."""
    html = DARK.sub(ALWAYS if is_dark else NEVER, html)
    return LIGHT.sub(NEVER if is_dark else ALWAYS, html)

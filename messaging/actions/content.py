"""What staff may do with external content: ask for a fresh copy."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from messaging.content.blocks import ask
from messaging.models import ContentBlock


@transaction.atomic
def ask_for_block(block: ContentBlock, *, actor: str) -> None:
    """Have a block fetched now. Raises Refused without an API, Conflict where it was asked for a moment ago."""
    if not settings.CONTENT_API_URL:
        raise Refused(
            "There is no Content API.",
            field="slug",
            value=block.slug,
            remedy="Set CONTENT_API_URL.",
        )
    if not ask(block, actor=actor):
        raise Conflict(
            f"{block.slug} was asked for less than a minute ago.",
            field="slug",
            value=block.slug,
            remedy="Wait a moment, then look again.",
        )
    audit.record("content.refresh_asked", block, actor=actor)

"""External content for staff: what the Content API gave last, how fresh it is, and a button to ask again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock
from core.admin import ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from messaging.actions.content import ask_for_block
from messaging.content.blocks import GOOD_FOR
from messaging.models import ContentBlock


@register(ContentBlock)
class ContentBlockAdmin(ReadOnlyModelAdmin):
    """A block's page."""

    empty_text = (
        'A template shows external content with {% external "slug" %}a fallback{% endexternal %}. '
        "A block stands here once a message or a test wanted it; CONTENT_API_URL says where it comes from."
    )

    list_display = ("slug", "state", "fetched_at", "expires_at", "problem")
    search_fields: ClassVar = ["slug"]
    fields = (
        "slug",
        "state",
        "fetched_at",
        "expires_at",
        "asked_at",
        "answered_at",
        "problem",
        "shown_text",
    )

    @display(
        description="State",
        label={"Fresh": "success", "Being renewed": "info", "Old": "warning", "Fallback": "danger"},
    )
    def state(self, block: ContentBlock) -> str:
        now = clock.now()
        if block.fetched_at is None or block.fetched_at <= now - GOOD_FOR:
            return "Fallback"
        if block.expires_at and block.expires_at > now:
            return "Fresh"
        return "Old" if block.problem else "Being renewed"

    @display(description="Text")
    def shown_text(self, block: ContentBlock) -> SafeString:
        return format_html('<span style="white-space: pre-line">{}</span>', block.text or "–")

    @button(
        label="Fetch now",
        permission="refresh",
        confirm="Ask the Content API for a fresh copy? Messages show the last good one until it is there.",
        icon="sync",
        is_primary=True,
    )
    def refresh(self, request: HttpRequest, block: Any) -> str:
        ask_for_block(block, actor=actor_of(request))
        return f"A fresh copy of {block.slug} is being fetched."

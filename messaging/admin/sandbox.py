"""The sandbox's outbox for staff: what would have been delivered, to open and look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.html import format_html

from core.admin import ReadOnlyModelAdmin, display, register
from core.paging import CappedPaginator
from messaging.channels import Channel
from messaging.models import SandboxMessage

OF_EMAIL = ("subject", "letter", "text", "headers")


@register(SandboxMessage)
class SandboxMessageAdmin(ReadOnlyModelAdmin):
    """A kept message. Its HTML stands in a frame that runs no script and submits no form."""

    empty_text = (
        "What goes out through a sender with the sandbox is kept here instead of delivered."
    )

    list_display = ("title", "channel", "recipient", "sender", "accepted_at")
    list_filter: ClassVar = ["channel"]
    paginator = CappedPaginator
    search_fields: ClassVar = ["=recipient", "=message"]
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        shown = ("text",) if obj and obj.channel == Channel.SMS else OF_EMAIL
        return ("sender", "recipient", *shown, "message", "key")

    def has_view_permission(self, request: HttpRequest, obj: SandboxMessage | None = None) -> bool:
        return request.user.has_perm("messaging.view_message")

    @display(description="Message")
    def title(self, message: SandboxMessage) -> str:
        return str(message)

    @display(description="As it looks")
    def letter(self, message: SandboxMessage) -> str:
        return format_html(
            '<iframe sandbox="" referrerpolicy="no-referrer" title="The message as it looks"'
            ' width="640" height="480" style="background: white; max-width: 100%" srcdoc="{}"></iframe>',
            message.html,
        )

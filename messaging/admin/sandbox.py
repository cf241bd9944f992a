"""The sandbox's outbox for staff: what would have been delivered, to open and look at."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest
from django.utils.html import format_html

from core.admin import ReadOnlyModelAdmin, display, register
from core.paging import CappedPaginator
from messaging.models import SandboxMessage


@register(SandboxMessage)
class SandboxMessageAdmin(ReadOnlyModelAdmin):
    """A kept message. Its HTML stands in a frame that runs no script and submits no form."""

    empty_text = (
        "What goes out through a sender with the sandbox is kept here instead of delivered."
    )

    list_display = ("subject", "recipient", "sender", "accepted_at")
    paginator = CappedPaginator
    search_fields: ClassVar = ["=recipient", "=message"]
    show_full_result_count = False
    fields = ("sender", "recipient", "subject", "letter", "text", "headers", "message", "key")

    def has_view_permission(self, request: HttpRequest, obj: SandboxMessage | None = None) -> bool:
        return request.user.has_perm("messaging.view_message")

    @display(description="As it looks")
    def letter(self, message: SandboxMessage) -> str:
        return format_html(
            '<iframe sandbox="" referrerpolicy="no-referrer" title="The message as it looks"'
            ' width="640" height="480" style="background: white; max-width: 100%" srcdoc="{}"></iframe>',
            message.html,
        )

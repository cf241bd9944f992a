"""Batches for staff: the parked ones first, with the two decisions that only a person can make."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core.admin import ReadOnlyModelAdmin, TabularInline, button, display, register
from core.audit import actor_of
from messaging.actions.parking import look_up_again, mark_as_sent, send_again
from messaging.models import SendAttempt, SendBatch
from messaging.providers.base import Keyless
from messaging.providers.registry import provider_of
from messaging.states import BatchStatus

LOOK = {"Settled": "success", "Attempted": "info", "Parked": "danger"}


def why_not_decide(_admin: Any, _request: HttpRequest, batch: SendBatch) -> str:
    return "" if batch.status == BatchStatus.PARKED else "Only a parked batch needs a decision."


def why_not_look_up(admin: Any, request: HttpRequest, batch: SendBatch) -> str:
    if isinstance(provider_of(batch.sender), Keyless):
        return why_not_decide(admin, request, batch)
    return "This provider has nothing to look it up in."


def so_many(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages:,} messages"


class AttemptInline(TabularInline):
    """Every call to the provider that came back."""

    model = SendAttempt
    fields = readonly_fields = ("started_at", "finished_at", "outcome", "http_status", "error")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: SendBatch | None = None) -> bool:
        return False


@register(SendBatch)
class SendBatchAdmin(ReadOnlyModelAdmin):
    """A batch's page: what became of it, and what to do where that is not known."""

    empty_text = "Messages are handed to the provider a hundred at a time; each hundred is a batch."

    list_display = ("public_id", "sender", "state", "count", "attempts", "problem", "created_at")
    list_filter: ClassVar = ["status", "sender"]
    list_select_related = ("sender",)
    fields = (
        "public_id",
        "sender",
        "status",
        "problem",
        "its_messages",
        "key",
        "sha256",
        "attempts",
        "first_attempt_at",
        "next_attempt_at",
        "created_at",
        "settled_at",
        "run",
    )
    inlines = (AttemptInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SendBatch]:
        return super().get_queryset(request).defer("compressed")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [Case(When(status=BatchStatus.PARKED, then=Value(0)), default=Value(1)), "-id"]

    @display(description="Status", label=LOOK)
    def state(self, batch: SendBatch) -> str:
        return batch.get_status_display()

    @display(description="Messages")
    def its_messages(self, batch: SendBatch) -> str:
        place = reverse(f"{self.admin_site.name}:messaging_message_changelist")
        return format_html(
            '<a class="lh-link" href="{}?batch={}">{}</a>', place, batch.pk, so_many(batch.count)
        )

    @button(
        label="Look it up again",
        permission="resolve",
        confirm="Ask the provider whether it has the message by now?",
        why_not=why_not_look_up,
    )
    def look_up(self, request: HttpRequest, batch: SendBatch) -> str:
        if look_up_again(batch, actor=actor_of(request)):
            return "The provider has it: the message counts as sent."
        return "The provider does not list it. It still needs your decision."

    @button(
        label="They were sent",
        permission="resolve",
        confirm=lambda _admin, _request, batch: (
            f"Did the provider's log show all of it ({so_many(batch.count)})? It will count as sent."
        ),
        why_not=why_not_decide,
    )
    def mark_as_sent(self, request: HttpRequest, batch: SendBatch) -> str:
        count = mark_as_sent(batch, actor=actor_of(request))
        return f"Marked as sent: {so_many(count)}."

    @button(
        label="They were not sent: send again",
        permission="resolve",
        confirm=lambda _admin, _request, batch: (
            f"Does the provider's log show nothing of it ({so_many(batch.count)})? It goes out under a"
            " new key: whoever did get theirs will get it twice."
        ),
        why_not=why_not_decide,
        is_danger=True,
    )
    def send_again(self, request: HttpRequest, batch: SendBatch) -> str:
        count = send_again(batch, actor=actor_of(request))
        stopped = batch.count - count
        rest = f" In a closed stream, and not sent: {so_many(stopped)}." if stopped else ""
        return f"Sent again: {so_many(count)}.{rest}"

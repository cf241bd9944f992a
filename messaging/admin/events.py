"""What providers told us, for staff: each webhook as it came, and what became of it."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import ReadOnlyModelAdmin, display, register
from core.errors import NotFound
from core.paging import CappedPaginator
from messaging.models import EventSource, Message, ProviderEvent

KINDS = (
    "email.delivered",
    "email.opened",
    "email.clicked",
    "email.bounced",
    "email.complained",
    "email.failed",
    "email.suppressed",
    "status.delivered",
    "status.undelivered",
    "status.failed",
    "inbound",
)


class KindFilter(SimpleListFilter):
    """What happened. (Asking which kinds occur would read the whole table.)"""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in KINDS]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProviderEvent]
    ) -> QuerySet[ProviderEvent]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyModelAdmin):
    """An event's page, and the list of many thousands."""

    empty_text = (
        "Deliveries, openings, bounces and answers appear here once the providers' webhooks point at"
        " this house: docs/operations.md tells how."
    )

    list_display = ("kind", "source", "message", "state", "note", "happened_at", "received_at")
    list_filter: ClassVar = ["source", KindFilter]
    list_select_related = ("message",)
    paginator = CappedPaginator
    ordering: ClassVar = ["-id"]
    search_fields: ClassVar = ["message"]
    search_help_text = "A message's id: msg_…"
    show_full_result_count = False
    fields = (
        "kind",
        "source",
        "message",
        "contact",
        "state",
        "note",
        "happened_at",
        "received_at",
        "applied_at",
        "payload",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderEvent]:
        return super().get_queryset(request).defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProviderEvent], search_term: str
    ) -> tuple[QuerySet[ProviderEvent], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(message=Message.from_public_id(term)), False
        except NotFound:
            return queryset.none(), False

    @display(description="Status", label={"Applied": "success", "Kept": "info", "Waits": "warning"})
    def state(self, event: ProviderEvent) -> str:
        if event.applied_at is None:
            return "Waits"
        return "Kept" if event.note else "Applied"

    @display(description="As it came")
    def payload(self, event: ProviderEvent) -> SafeString:
        return format_html(
            '<div class="highlight"><pre>{}</pre></div>', readable(event) or "(erased)"
        )


def readable(event: ProviderEvent) -> str:
    """Return a raw payload with line breaks."""
    if event.source == EventSource.TWILIO:
        return "\n".join(f"{name}: {value}" for name, value in parse_qsl(event.body))
    try:
        return json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return event.body

"""The ledger for staff: who got what, who did not, and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyModelAdmin, display, register
from core.errors import NotFound
from core.ids import decode
from core.paging import CappedPaginator
from messaging.models import Message
from messaging.states import Reason

LOOK = {
    "Sent": "success",
    "Sending": "info",
    "Failed": "danger",
    "In doubt": "warning",
}


class ReasonFilter(SimpleListFilter):
    """Our own reasons to choose from; links may also name a provider's. (Asking which occur would read the ledger.)"""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(reason.value, str(reason.label)) for reason in Reason]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


@register(Message)
class MessageAdmin(ReadOnlyModelAdmin):
    """A message's page, and the list of hundreds of thousands."""

    empty_text = "Messages appear here as soon as a campaign is sent."

    list_display = ("public_id", "address", "stream", "state", "reason", "settled_at")
    list_filter: ClassVar = ["status", ReasonFilter, "stream"]
    paginator = CappedPaginator
    list_select_related = ("stream",)
    search_fields: ClassVar = ["address"]
    search_help_text = "A whole e-mail address, a message's id, or the provider's id."
    show_full_result_count = False
    ordering: ClassVar = ["-id"]
    fields = (
        "public_id",
        "stream",
        "contact",
        "address",
        "status",
        "reason",
        "detail",
        "batch",
        "position",
        "provider_id",
        "created_at",
        "settled_at",
    )

    @display(description="Status", label=LOOK)
    def state(self, message: Message) -> str:
        return message.get_status_display()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """Find by what has an index: nobody waits for a scan of the ledger."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(_matches(term)), False


def _matches(term: str) -> Q:
    if "@" in term:
        return Q(contact__email=term.lower())
    try:
        return Q(pk=decode(Message.id_prefix, term))
    except NotFound:
        return Q(provider_id=term)

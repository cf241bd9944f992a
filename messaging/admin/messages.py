"""The ledger for staff: who got what, who did not, and why; a message's whole life, and the letter as it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from core.admin import display, register
from core.downloads import DownloadableModelAdmin
from core.errors import NotFound
from core.ids import decode
from core.paging import CappedPaginator
from messaging.admin.message_filters import (
    ChannelFilter,
    LifeFilter,
    ReasonFilter,
    SenderFilter,
    WrittenFilter,
)
from messaging.admin.templates import FRAME_POLICY
from messaging.exporting import csv_lines
from messaging.history import Entry, history_of
from messaging.letters import letter_of
from messaging.models import Message
from messaging.models.batches import DamagedPayload

LOOK = {
    "Sent": "success",
    "Sending": "info",
    "Failed": "danger",
    "In doubt": "warning",
}
GOOD = {"accepted", "found", "delivered", "opened", "clicked"}
BAD = {"failed", "bounced", "complained", "suppressed", "sender_blocked", "rejected"}
WAITS = {"held", "in_doubt", "unknown", "rate_limited", "unsubscribed", "skipped"}


@dataclass(frozen=True)
class Moment:
    """An entry of a message's life as it is drawn."""

    entry: Entry

    @property
    def word(self) -> str:
        if self.entry.event == "held":
            return "Waits until then"
        return self.entry.event.replace("_", " ").replace(".", ": ").capitalize()

    @property
    def tone(self) -> str:
        for tone, events in (("good", GOOD), ("bad", BAD), ("warn", WAITS)):
            if self.entry.event in events:
                return tone
        return "quiet"


#: What stands below a message's life; what is empty is left out.
DETAILS = (
    "stream",
    "contact",
    "address",
    "status",
    "reason",
    "detail",
    "trouble",
    "not_before",
    "expires_at",
    "quiet_hours",
    "data",
    "batch",
    "provider_id",
)


@register(Message)
class MessageAdmin(DownloadableModelAdmin):
    """A message's page, and the list of hundreds of thousands."""

    empty_text = "Messages appear here as soon as a campaign is sent."

    list_display = ("number", "address", "stream", "state", "reason", "life", "settled_at")
    list_filter: ClassVar = [
        "status",
        ReasonFilter,
        LifeFilter,
        ChannelFilter,
        SenderFilter,
        WrittenFilter,
        "stream",
    ]
    paginator = CappedPaginator
    list_select_related = ("stream",)
    export_name = "messages"
    panel_template = "messaging/_message.html"
    search_fields: ClassVar = ["address"]
    search_help_text = "A whole e-mail address, a message's id, or the provider's id."
    show_full_result_count = False
    ordering: ClassVar = ["-id"]

    class Media:
        css: ClassVar = {"all": ["messaging/ledger.css"]}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in DETAILS if obj is None or getattr(obj, name)]

    @display(description="Message", ordering="id")
    def number(self, message: Message) -> str:
        return message.public_id

    @display(description="Status", label=LOOK)
    def state(self, message: Message) -> str:
        return message.get_status_display()

    @display(description="Life")
    def life(self, message: Message) -> str:
        return message.trouble or message.delivery or "–"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """Find by what has an index: nobody waits for a scan of the ledger."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(_matches(term)), False

    def get_urls(self) -> list[URLPattern]:
        frame = self.admin_site.admin_view(require_safe(self.frame_view))
        letter = path("<path:object_id>/letter/", frame, name=self.url_name("letter"))
        return [letter, *super().get_urls()]

    def export_lines(self, listed: QuerySet[Message]) -> Iterator[str]:
        return csv_lines(listed)

    # --- one message -------------------------------------------------------------------------

    def panel(self, request: HttpRequest, obj: Any) -> SafeString:
        """Return its life and its letter; nothing of it changes while one looks."""
        letter, problem = None, ""
        try:
            letter = letter_of(obj)
        except DamagedPayload as damage:
            problem = f"The stored bytes are damaged: {damage}."
        context = {
            "life": [Moment(entry) for entry in history_of(obj)],
            "letter": letter,
            "problem": problem,
            "frame_url": reverse(
                f"{self.admin_site.name}:{self.url_name('letter')}", args=[obj.pk]
            ),
        }
        return render_to_string(self.panel_template, context, request)

    def frame_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the letter alone, shut in: what stands in it cannot reach the admin."""
        message = self.object_or_404(request, object_id)
        assert isinstance(message, Message)
        letter = letter_of(message)
        if letter is None:
            raise Http404("This message has not been written yet.")
        return HttpResponse(letter.html, headers={"Content-Security-Policy": FRAME_POLICY})


def _matches(term: str) -> Q:
    if "@" in term:
        return Q(contact__email=term.lower())
    try:
        return Q(pk=decode(Message.id_prefix, term))
    except NotFound:
        return Q(provider_id=term)

"""What was found about clients, and how it came there: proposals, competitors, and the history of fields."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest

from core.admin import ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from enrichment.actions.clients import dismiss_competitor
from enrichment.actions.fields import accept_proposals, reject_proposals, undo_change
from enrichment.live import in_words, source_of
from enrichment.models import Competitor, FieldChange, Proposal
from enrichment.profile import label_of
from enrichment.states import ProposalStatus, Source


def why_not_decide(_admin: Any, _request: HttpRequest, proposal: Proposal) -> str:
    is_waiting = proposal.status == ProposalStatus.PENDING
    return "" if is_waiting else f"It is {proposal.get_status_display().lower()}."


def why_not_dismiss(_admin: Any, _request: HttpRequest, competitor: Competitor) -> str:
    return "It was dismissed." if competitor.dismissed_at else ""


def why_not_undo(_admin: Any, _request: HttpRequest, change: FieldChange) -> str:
    return "It was undone." if change.undone_at else ""


class OfClient(ReadOnlyModelAdmin):
    """Rows about a client: whoever may change the client may decide about them."""

    list_select_related = ("client", "call")

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("enrichment.change_client")

    @display(description="Value")
    def says(self, row: Any) -> str:
        return in_words(row.value)

    @display(description="Field", ordering="field")
    def about(self, row: Any) -> str:
        return label_of(row.field)

    @display(description="Said by")
    def who(self, row: Any) -> str:
        """Say who said it; what the sandbox made up is marked."""
        return source_of(getattr(row, "source", Source.AI), row.call)

    @display(description="Sure")
    def sure(self, row: Any) -> str:
        sure = row.confidence
        return "–" if sure is None else f"{sure * 100:.0f}\N{NO-BREAK SPACE}%"


@register(Proposal)
class ProposalAdmin(OfClient):
    """Values that wait for a person."""

    empty_text = (
        "What the model says of a client in review mode waits here until somebody accepts it."
    )
    list_display = ("client", "about", "says", "who", "sure", "status", "created_at", "decided_by")
    list_filter = ("status",)
    search_fields: ClassVar = ["client__name"]
    fields = (
        "client",
        "about",
        "says",
        "who",
        "sure",
        "call",
        "status",
        "decided_by",
        "decided_at",
    )
    readonly_fields = ("about", "says", "who", "sure")

    @button(
        label="Accept",
        permission="decide",
        why_not=why_not_decide,
        confirm=lambda _admin, _request, proposal: f"Write “{in_words(proposal.value)}”?",
        is_primary=True,
    )
    def accept(self, request: HttpRequest, proposal: Proposal) -> str:
        accept_proposals([proposal], actor=actor_of(request))
        return "It is written."

    @button(
        label="Reject",
        permission="decide",
        why_not=why_not_decide,
        confirm="The value is not written.",
    )
    def reject(self, request: HttpRequest, proposal: Proposal) -> str:
        reject_proposals([proposal], actor=actor_of(request))
        return "It is rejected."


@register(Competitor)
class CompetitorAdmin(OfClient):
    """Competitors of all clients."""

    empty_text = "Ask AI about a client, or name its competitors on its page."
    list_display = ("name", "domain", "client", "who", "sure", "dismissed_at")
    list_filter = ("source",)
    search_fields: ClassVar = ["name", "domain", "client__name"]
    fields = ("client", "name", "domain", "who", "sure", "call", "created_by", "dismissed_at")
    readonly_fields = ("who", "sure")

    @button(
        label="Not a competitor",
        permission="decide",
        why_not=why_not_dismiss,
        confirm="It leaves the client's page, and no answer brings it back.",
        is_danger=True,
    )
    def dismiss(self, request: HttpRequest, competitor: Competitor) -> str:
        dismiss_competitor(competitor, actor=actor_of(request))
        return f"{competitor.name} is dismissed."


@register(FieldChange)
class FieldChangeAdmin(OfClient):
    """The history of what is known."""

    empty_text = "Each change of what is known of a client is kept here, with what stood before."
    list_display = ("set_at", "client", "about", "after_words", "who", "set_by", "undone_by")
    list_filter = ("source",)
    search_fields: ClassVar = ["client__name"]
    fields = (
        "client",
        "about",
        "before_words",
        "after_words",
        "who",
        "call",
        "set_by",
        "set_at",
    )
    readonly_fields = ("about", "before_words", "after_words", "who")

    @display(description="Before")
    def before_words(self, change: FieldChange) -> str:
        return in_words(change.before["value"]) if change.before else "–"

    @display(description="After")
    def after_words(self, change: FieldChange) -> str:
        return in_words(change.after) if change.after else "–"

    @button(
        label="Undo",
        permission="decide",
        why_not=why_not_undo,
        confirm="The field gets back what stood there before, with who had said it.",
        icon="undo",
    )
    def undo(self, request: HttpRequest, change: FieldChange) -> str:
        undo_change(change, actor=actor_of(request))
        return "It is undone."

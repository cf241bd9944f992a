"""The ledger of AI calls for staff: what was asked, what it cost, and the decisions that only a person can make."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from core.admin import ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from enrichment import charts
from enrichment.accounts import resume_account
from enrichment.actions import deciding
from enrichment.models import AiAccount, AiCall
from enrichment.pricing import in_dollars
from enrichment.states import CallStatus

TONES = {
    "Answered": "success",
    "In doubt": "warning",
    "Waits for you": "warning",
    "Not taken": "danger",
    "Given up": "danger",
}


def why_not_decide(_admin: Any, _request: HttpRequest, call: AiCall) -> str:
    return "" if call.status == CallStatus.PARKED else "It does not wait for a decision."


def ask_to_pay_again(_admin: Any, _request: HttpRequest, call: AiCall) -> str:
    held = in_dollars(call.reserved_micros)
    return (
        f"This call may have been paid: up to {held} count as spent. The question is asked once more, and its run goes"
        " on with the new answer. Look into the provider's own log first."
    )


@register(AiCall)
class AiCallAdmin(ReadOnlyModelAdmin):
    """One row per call that may cost money."""

    empty_text = "Every question to a model stands here before it is asked: what for, how long, and what it cost."
    list_display = ("created_at", "purpose", "about", "model", "state", "worth", "tokens", "cost")
    list_filter = ("status", "verdict", "purpose", "provider", "model")
    search_fields: ClassVar = ["=subject", "=provider_id", "=request_id", "client__name"]
    list_select_related = ("client",)
    show_full_result_count = False
    ordering = ("-id",)
    list_before_template = "enrichment/_costs.html"
    panel_template = "enrichment/_call.html"
    fields = (
        "number",
        "purpose",
        "about",
        "run",
        "prompt_version",
        "provider",
        "model",
        "created_at",
        "sent_at",
        "received_at",
        "provider_id",
        "request_id",
        "repairs",
        "decided_by",
        "key",
    )
    readonly_fields = ("number", "about")

    class Media:
        css: ClassVar = {
            "all": ["core/live.css", "messaging/ledger.css", "enrichment/enrichment.css"]
        }

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"spending": charts.spending(), **(extra_context or {})}
        return super().changelist_view(request, context)

    def panel(self, request: HttpRequest, obj: Any) -> SafeString:
        """Show the exact request and the raw answer."""
        return render_to_string(self.panel_template, charts.shown(obj), request)

    @display(description="Id")
    def number(self, call: AiCall) -> str:
        return call.public_id

    @display(description="About")
    def about(self, call: AiCall) -> str:
        return call.client.name if call.client else call.subject or "–"

    @display(description="Status", ordering="status", label=TONES)
    def state(self, call: AiCall) -> str:
        return call.get_status_display()

    @display(description="Answer")
    def worth(self, call: AiCall) -> str:
        return call.get_verdict_display() if call.verdict else "–"

    @display(description="Tokens in, out")
    def tokens(self, call: AiCall) -> str:
        return f"{call.input_tokens:,} → {call.output_tokens:,}" if call.input_tokens else "–"

    @display(description="Cost", ordering="cost_micros")
    def cost(self, call: AiCall) -> str:
        if call.is_sandbox:
            return "sandbox"
        if call.reserved_micros:
            return f"up to {in_dollars(call.reserved_micros)}"
        return in_dollars(call.cost_micros)

    @button(
        label="Look again",
        permission="decide",
        why_not=why_not_decide,
        confirm="The provider is asked whether it has the answer. Nothing is paid.",
        is_primary=True,
    )
    def look_again(self, request: HttpRequest, call: AiCall) -> str:
        found = deciding.look_again(call, actor=actor_of(request))
        return "The answer was found." if found else "The provider lists no answer."

    @button(
        label="Ask again", permission="decide", why_not=why_not_decide, confirm=ask_to_pay_again
    )
    def ask_again(self, request: HttpRequest, call: AiCall) -> str:
        deciding.ask_again(call, actor=actor_of(request))
        return "It is asked again."

    @button(
        label="Give up",
        permission="decide",
        why_not=why_not_decide,
        confirm="The run ends without an answer. What was set aside counts as spent, for it may have been.",
        is_danger=True,
    )
    def give_up(self, request: HttpRequest, call: AiCall) -> str:
        deciding.give_up(call, actor=actor_of(request))
        return "It is given up."


def why_not_resume(_admin: Any, _request: HttpRequest, account: AiAccount) -> str:
    return "" if account.is_paused else "It is not paused."


@register(AiAccount)
class AiAccountAdmin(ReadOnlyModelAdmin):
    """Our accounts at providers: paused while one is out of money or its key is refused."""

    empty_text = "An account appears here when something was asked of its provider."
    list_display = ("name", "state", "paused_at", "paused_reason")
    fields = ("name", "paused_at", "paused_reason")

    @display(description="Status", label={"Open": "success", "Paused": "warning"})
    def state(self, account: AiAccount) -> str:
        return "Paused" if account.is_paused else "Open"

    @button(
        label="Resume",
        permission="resume",
        why_not=why_not_resume,
        confirm="Calls go out again, and every run that waits goes on.",
        icon="play_arrow",
        is_primary=True,
    )
    def resume(self, request: HttpRequest, account: AiAccount) -> str:
        resume_account(account, actor=actor_of(request))
        return "Calls go out again."

"""Clients for staff: what is known and from whom, and the buttons that ask."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import ModelAdmin, button, display, dress, register
from core.audit import actor_of
from core.buttons import Button
from core.errors import Refused
from enrichment.actions import clients as actions
from enrichment.actions.enhancing import enhance_client, enhance_many, estimate
from enrichment.actions.fields import (
    accept_proposals,
    edit_fields,
    reject_proposals,
    undo_call,
    unlock_fields,
)
from enrichment.actions.writing import generate_queries, most_for_a_keyword
from enrichment.forms import (
    CapForm,
    ChosenForm,
    CompetitorForm,
    ModeForm,
    ProfileForm,
    QueriesForm,
    locked,
    pending,
)
from enrichment.live import look_of, panel_of
from enrichment.models import AiAccount, AiCall, Client, FieldValue, Proposal
from enrichment.pricing import in_dollars, micros_of
from enrichment.profile import FIELDS
from enrichment.providers.registry import provider_in_use
from enrichment.states import ProposalStatus
from enrichment.wording import in_a_sentence
from jobs.states import ACTIVE

OWN = ("name", "domain", "mode", "web_text")
KNOWN = ("What is known", {"fields": tuple(FIELDS), "classes": ("collapse",)})


def ask_to_enhance(_admin: Any, _request: HttpRequest, client: Client) -> str:
    return in_a_sentence(estimate([client]))


def why_not_enhance(_admin: Any, _request: HttpRequest, client: Client) -> str:
    is_under_way = client.run and client.run.status in ACTIVE
    return "It is being asked about already." if is_under_way else ""


def ask_to_write_queries(_admin: Any, _request: HttpRequest, client: Client) -> str:
    each = most_for_a_keyword(client)
    cost = (
        f"at most {in_dollars(each)} each" if each else "to the built-in sandbox model, for nothing"
    )
    return f"A model writes what people search with: one call for each keyword, {cost}."


def why_not_undo(_admin: Any, _request: HttpRequest, client: Client) -> str:
    return "" if last_call(client) else "No answer has changed anything."


def last_call(client: Client) -> AiCall | None:
    """Return the call whose changes stand last."""
    changed = client.changes.filter(undone_at=None, call__isnull=False).order_by("-id")
    change = changed.select_related("call").first()
    return change.call if change else None


def ask_to_undo(_admin: Any, _request: HttpRequest, client: Client) -> str:
    call = last_call(client)
    count = client.changes.filter(call=call, undone_at=None).count()
    return (
        f"{count} fields get back what stood there before, but for those that were changed since."
    )


def per_client(rows: QuerySet[Any], told: Any) -> Coalesce:
    """Return one figure of a client's rows, made for the clients that are shown and no others."""
    summed = rows.order_by().values("client").annotate(told=told).values("told")
    return Coalesce(Subquery(summed), 0)


#: Buttons that offer some of what the client has; without any they are not shown.
OFFERS = {"accept": pending, "reject": pending, "unlock": locked}


@register(Client)
class ClientAdmin(ModelAdmin):
    """A client's page."""

    empty_text = "A client is a company you work for. Name it and its domain, and ask AI what it does and for whom."
    list_display = ("name", "domain", "state", "known", "proposals_waiting", "spent", "enhanced_at")
    list_filter = ("mode",)
    search_fields: ClassVar = ["name", "domain"]
    ordering = ("name",)
    form = ProfileForm
    panel_template = "enrichment/_client.html"
    actions = ("enhance_selected",)  # type: ignore[assignment]

    class Media:
        css: ClassVar = {"all": ["core/live.css", "enrichment/enrichment.css"]}

    # --- the form ----------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may_write = obj is not None and self.has_change_permission(request, obj)
        return [(None, {"fields": OWN}), *([KNOWN] if may_write else [])]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["fields"] = OWN
        return super().get_form(request, obj, change, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Client, form: ModelForm[Client], change: bool
    ) -> None:
        """Write through the same actions as every other door; what was typed into a field locks it."""
        actor = actor_of(request)
        assert isinstance(form, ProfileForm)
        if not change:
            given = {name: form.cleaned_data[name] or "" for name in OWN}
            obj.pk = actions.create_client(**given, actor=actor).pk
            obj.refresh_from_db()
            return
        changes = {n: form.cleaned_data[n] or "" for n in form.changed_data if n in OWN}
        if changes:
            actions.update_client(obj, actor=actor, **changes)
        edit_fields(obj, form.written(), actor=actor)

    def delete_model(self, request: HttpRequest, obj: Client) -> None:
        actions.delete_client(obj, actor=actor_of(request))

    # --- the buttons -------------------------------------------------------------------------

    def has_decide_permission(self, request: HttpRequest, obj: Client) -> bool:
        return super().has_change_permission(request, obj)

    def has_write_permission(self, request: HttpRequest, obj: Client) -> bool:
        return request.user.has_perm("enrichment.write_brief")

    def buttons_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        shown = super().buttons_for(request, obj)
        return [each for each in shown if self._offers(each["button"].name, obj)]

    def _offers(self, name: str, client: Client) -> bool:
        return name not in OFFERS or bool(OFFERS[name](client))

    def form_of(self, button: Button, request: HttpRequest) -> forms.Form:
        form = super().form_of(button, request)
        if isinstance(form, ChosenForm) and request.resolver_match:
            client = self.object_or_404(request, request.resolver_match.kwargs["object_id"])
            assert isinstance(client, Client)
            form.offer(OFFERS[button.name](client))
        return form

    @button(
        label="Ask AI",
        permission="enhance",
        form=ModeForm,
        confirm=ask_to_enhance,
        why_not=why_not_enhance,
        icon="auto_awesome",
        is_primary=True,
    )
    def enhance(self, request: HttpRequest, client: Client, *, mode: str) -> str:
        enhance_client(client, mode=mode, actor=actor_of(request))
        return f"AI is asked about {client.name}."

    @button(
        label="Accept",
        permission="decide",
        form=ChosenForm,
        confirm="These values are written, as the model's.",
        icon="check",
    )
    def accept(self, request: HttpRequest, client: Client, *, chosen: list[str]) -> str:
        accepted = accept_proposals(self._chosen(client, chosen), actor=actor_of(request))
        return f"{accepted} accepted."

    @button(
        label="Reject",
        permission="decide",
        form=ChosenForm,
        confirm="These values are not written.",
        icon="close",
    )
    def reject(self, request: HttpRequest, client: Client, *, chosen: list[str]) -> str:
        rejected = reject_proposals(self._chosen(client, chosen), actor=actor_of(request))
        return f"{rejected} rejected."

    def _chosen(self, client: Client, chosen: list[str]) -> list[Any]:
        waiting = client.proposals.filter(status=ProposalStatus.PENDING)
        return [each for each in waiting if each.public_id in chosen]

    @button(
        label="Unlock fields",
        permission="decide",
        form=ChosenForm,
        confirm="AI and imports may write these fields again.",
        icon="lock_open",
    )
    def unlock(self, request: HttpRequest, client: Client, *, chosen: list[str]) -> str:
        return f"{unlock_fields(client, chosen, actor=actor_of(request))} unlocked."

    @button(label="Add a competitor", permission="decide", form=CompetitorForm, icon="group_add")
    def add_competitor(
        self, request: HttpRequest, client: Client, *, name: str, domain: str
    ) -> str:
        actions.add_competitor(client, name=name, domain=domain, actor=actor_of(request))
        return f"{name} is a competitor."

    @button(
        label="Write queries",
        permission="write",
        form=QueriesForm,
        confirm=ask_to_write_queries,
        icon="search",
    )
    def write_queries(self, request: HttpRequest, client: Client, **wish: Any) -> str:
        run = generate_queries(client, **wish, actor=actor_of(request))
        return f"{run.public_id} writes them; they appear under Search queries."

    @button(
        label="Undo the last answer",
        permission="decide",
        confirm=ask_to_undo,
        why_not=why_not_undo,
        icon="undo",
    )
    def undo_last(self, request: HttpRequest, client: Client) -> str:
        call = last_call(client)
        count = undo_call(client, call, actor=actor_of(request)) if call else 0
        return f"{count} fields have back what stood there before."

    # --- many at once ------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> Any:
        """Offer the asking alone: clients are deleted one at a time, each with its entry of audit."""
        offered = super().get_actions(request) if self._may_enhance(request) else {}
        return {name: action for name, action in offered.items() if name in self.actions}

    def _may_enhance(self, request: HttpRequest) -> bool:
        return request.user.has_perm("enrichment.enhance_client")

    def enhance_selected(
        self, request: HttpRequest, chosen: QuerySet[Client]
    ) -> HttpResponse | None:
        """Show what it would cost; ask when that is confirmed."""
        form = CapForm(request.POST if "confirmed" in request.POST else None)
        for field in form.fields.values():
            dress(field)
        try:
            if form.is_bound and form.is_valid():
                return self._enhance(request, chosen, form.cleaned_data)
            told = in_a_sentence(estimate(list(chosen)))
        except Refused as refusal:
            messages.error(request, str(refusal))
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Ask AI about these clients",
            "told": told,
            "form": form,
            "chosen": request.POST.getlist("_selected_action"),
            "across": request.POST.get("select_across", "0"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "enrichment/enhance_many.html", context)

    enhance_selected.short_description = "Ask AI about these"  # type: ignore[attr-defined]

    def _enhance(
        self, request: HttpRequest, chosen: QuerySet[Client], wish: dict[str, Any]
    ) -> HttpResponse:
        cap, clients = wish["at_most"], list(chosen)
        run = enhance_many(
            clients,
            mode=wish["mode"],
            cap_micros=None if cap is None else micros_of(cap),
            actor=actor_of(request),
        )
        asked = len(run.input["clients"])
        left_out = len(clients) - asked
        others = f" {left_out:,} were being asked about already." if left_out else ""
        messages.success(request, f"AI is asked about {asked:,}; this page follows it.{others}")
        return redirect(reverse("admin:jobs_run_change", args=[run.pk]))

    # --- the panel ---------------------------------------------------------------------------

    def is_live(self, obj: Client) -> bool:
        return bool(obj.run and obj.run.status in ACTIVE)

    def panel_context(self, request: HttpRequest, obj: Client) -> dict[str, Any]:
        return {"panel": panel_of(obj), "may_see_run": request.user.has_perm("jobs.view_run")}

    # --- the list ----------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        mine = OuterRef("pk")
        waiting = Proposal.objects.filter(status=ProposalStatus.PENDING)
        paused = AiAccount.objects.filter(name=provider_in_use(), paused_at__isnull=False)
        counted = {
            "in_doubt": Exists(AiCall.objects.parked().filter(client=mine)),
            "is_paused": Exists(paused),
            "known_count": per_client(FieldValue.objects.filter(client=mine), Count("pk")),
            "waiting_count": per_client(waiting.filter(client=mine), Count("pk")),
            "spent_micros": per_client(
                AiCall.objects.paid().filter(client=mine), Sum("cost_micros")
            ),
        }
        return super().get_queryset(request).select_related("run").annotate(**counted)

    @display(description="Status")
    def state(self, client: Any) -> SafeString:
        look = look_of(
            client,
            is_waiting=bool(client.waiting_count),
            in_doubt=client.in_doubt,
            is_paused=client.is_paused,
        )
        return format_html(
            '<span class="live-list live-list--{}"><span class="material-symbols-outlined" '
            'aria-hidden="true">{}</span>{}</span>',
            look.tone,
            look.icon,
            look.word,
        )

    @display(description="Known", ordering="known_count")
    def known(self, client: Any) -> str:
        return f"{client.known_count} of {len(FIELDS)}"

    @display(description="Wait for you", ordering="waiting_count")
    def proposals_waiting(self, client: Any) -> str:
        return str(client.waiting_count or "–")

    @display(description="Spent", ordering="spent_micros")
    def spent(self, client: Any) -> str:
        return in_dollars(client.spent_micros)

"""Campaigns for staff: write a draft, press a button, watch it go."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from campaigns import actions
from campaigns.appearance import in_its_zone, look_of
from campaigns.forms import PauseForm, ScheduleForm
from campaigns.live import Panel, panel_of
from campaigns.models import Campaign
from campaigns.readiness import (
    bill_of,
    check_audience,
    check_parts,
    count_gaps,
    list_gaps,
)
from campaigns.states import UNDER_WAY, Status
from campaigns.wording import confirmation, gap_in_words, people, policies_in_words
from core.admin import ModelAdmin, button, display, register
from core.audit import actor_of
from messaging.admin.results import drawn
from messaging.models import Stream
from messaging.results import results_of

PARTS = ("name", "template", "sender", "lists", "topic")
POLICIES = ("quiet_hours", "over_cap")
#: What may be pressed in each state; the page shows these and no others.
BUTTONS = {
    Status.DRAFT: {"send", "schedule"},
    Status.SCHEDULED: {"send", "unschedule", "cancel"},
    Status.SENDING: {"pause", "cancel"},
    Status.PAUSED: {"resume", "cancel"},
    Status.FAILED: {"cancel"},
}
ALWAYS = {"duplicate"}
#: How many of those who lack something are shown by name.
SHOWN_GAPS = 100
LATE_BUTTONS = {"send_late", "unschedule", "cancel"}


def allowed_buttons(campaign: Campaign) -> set[str]:
    """Return the names of the buttons that the campaign's state allows."""
    if campaign.is_cancelling:
        return ALWAYS
    if campaign.status == Status.SCHEDULED and campaign.asks_since:
        return LATE_BUTTONS | ALWAYS
    return BUTTONS.get(Status(campaign.status), set()) | ALWAYS


def ask_to_send(_admin: Any, _request: HttpRequest, campaign: Campaign) -> str:
    """Return the question before sending, with the number of people; raise Refused where it cannot go."""
    check_parts(campaign)
    count = check_audience(campaign)
    asked = confirmation(count, per_second=campaign.sender.rate_per_second)
    bill = bill_of(campaign, people=count.sendable)
    told = [asked, bill, *policies_in_words(campaign), *map(gap_in_words, count_gaps(campaign))]
    return "\n".join(filter(None, told))


def ask_to_schedule(_admin: Any, _request: HttpRequest, campaign: Campaign) -> str:
    """Return what scheduling means; raise Refused where the campaign could not go out."""
    check_parts(campaign)
    told = "It starts by itself. Until then you can put it back to draft."
    return "\n".join([told, *map(gap_in_words, count_gaps(campaign))])


@register(Campaign)
class CampaignAdmin(ModelAdmin):
    """The campaign page: its live panel, its buttons, and its draft."""

    empty_text = "Make a draft of a template, a sender and one or more lists; then send it, or choose a time."

    list_display = ("name", "state", "progress", "recipients", "starts", "sender")
    list_filter = ("status", "sender")
    search_fields: ClassVar = ["name"]
    list_select_related = ("sender", "run")
    fieldsets = ((None, {"fields": PARTS}), ("Holding back", {"fields": [POLICIES]}))
    autocomplete_fields = ("template", "sender", "lists", "topic")
    panel_template = "campaigns/_live.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "messaging/ledger.css"]}

    # --- the draft ---------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        is_draft = obj is None or obj.status == Status.DRAFT
        return is_draft and super().has_change_permission(request, obj)

    def has_duplicate_permission(self, request: HttpRequest, obj: Campaign) -> bool:
        return super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).select_related("sender", "run", "stream")

    def save_model(
        self, request: HttpRequest, obj: Campaign, form: ModelForm[Campaign], change: bool
    ) -> None:
        """Write the draft through the same actions as every other door."""
        actor = actor_of(request)
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            actions.update_campaign(obj, actor=actor, **changes)
        else:
            parts = {name: form.cleaned_data[name] for name in (*PARTS, *POLICIES)}
            obj.pk = actions.create_campaign(**parts, actor=actor).pk
            obj.refresh_from_db()

    def save_related(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is left to save: the action has set the lists."""

    # --- the buttons -------------------------------------------------------------------------

    def buttons_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        allowed = allowed_buttons(obj)
        return [
            entry for entry in super().buttons_for(request, obj) if entry["button"].name in allowed
        ]

    @button(
        label="Send now", permission="launch", confirm=ask_to_send, icon="send", is_primary=True
    )
    def send(self, request: HttpRequest, campaign: Campaign) -> str:
        actions.launch_campaign(campaign, actor=actor_of(request))
        return "Sending has begun."

    @button(
        label="Send it late", permission="launch", confirm=ask_to_send, icon="send", is_primary=True
    )
    def send_late(self, request: HttpRequest, campaign: Campaign) -> str:
        return self.send(request, campaign)

    @button(
        label="Schedule",
        permission="launch",
        confirm=ask_to_schedule,
        form=ScheduleForm,
        icon="schedule",
    )
    def schedule(
        self, request: HttpRequest, campaign: Campaign, *, at: datetime, time_zone: str
    ) -> str:
        actions.schedule_campaign(campaign, at=at, time_zone=time_zone, actor=actor_of(request))
        return f"It starts on {in_its_zone(campaign)}."

    @button(
        label="Back to draft",
        permission="launch",
        confirm="It will not start by itself, and can be changed again.",
        icon="edit_note",
    )
    def unschedule(self, request: HttpRequest, campaign: Campaign) -> str:
        actions.unschedule_campaign(campaign, actor=actor_of(request))
        return "It is a draft again."

    @button(
        label="Pause",
        permission="control",
        confirm="What was handed to the provider still arrives. Everything else waits.",
        form=PauseForm,
        icon="pause",
    )
    def pause(self, request: HttpRequest, campaign: Campaign, *, reason: str) -> str:
        actions.pause_campaign(campaign, reason=reason, actor=actor_of(request))
        return "It is paused."

    @button(
        label="Resume",
        is_primary=True,
        permission="control",
        confirm="It goes on where it was paused.",
        icon="play_arrow",
    )
    def resume(self, request: HttpRequest, campaign: Campaign) -> str:
        actions.resume_campaign(campaign, actor=actor_of(request))
        return "It goes on."

    @button(
        label="Cancel campaign",
        permission="control",
        confirm="It stops for good. What was handed to the provider still arrives; nobody else "
        "gets it.",
        icon="cancel",
        is_danger=True,
    )
    def cancel(self, request: HttpRequest, campaign: Campaign) -> str:
        actions.cancel_campaign(campaign, actor=actor_of(request))
        return "It is cancelled." if campaign.finished_at else "It is being cancelled."

    @button(
        label="Duplicate",
        permission="duplicate",
        confirm="A new draft with the same template, sender and lists.",
        icon="content_copy",
    )
    def duplicate(self, request: HttpRequest, campaign: Campaign) -> tuple[str, Campaign]:
        copy = actions.duplicate_campaign(campaign, actor=actor_of(request))
        return f"This is “{copy.name}”, a draft. Nothing goes out before you send it.", copy

    # --- who lacks what ----------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.gaps_view))
        own = path("<path:object_id>/gaps/", view, name=self.url_name("gaps"))
        return [own, *super().get_urls()]

    def gaps_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show who lacks what the template needs, for those who may look at contacts."""
        campaign = self.object_or_404(request, object_id)
        assert isinstance(campaign, Campaign)
        if not request.user.has_perm("messaging.view_contact"):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"Who lacks what: {campaign.name}",
            "campaign": campaign,
            "gaps": [gap_in_words(gap) for gap in count_gaps(campaign)],
            "people": list_gaps(campaign, limit=SHOWN_GAPS),
            "limit": SHOWN_GAPS,
        }
        return TemplateResponse(request, "campaigns/gaps.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Name the state in the page's title: it is what a listener hears when the page was fetched anew."""
        campaign = context.get("original")
        if campaign is not None:
            context["title"] = look_of(campaign).word
        return super().render_change_form(request, context, *args, **kwargs)

    # --- the panel ---------------------------------------------------------------------------

    def panel(self, request: HttpRequest, obj: Any) -> SafeString:
        """Return the panel with the place where changes are announced, and below it the results so far."""
        panel = panel_of(obj)
        live = render_to_string("campaigns/live.html", self._drawn(panel), request)
        if obj.stream_id is None:
            return live
        streams = Stream.objects.filter(pk=obj.stream_id)
        return live + drawn(results_of(streams, sent=panel.sent))

    def panel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the panel's own question; where the state has changed, have the page fetched."""
        campaign = self.object_or_404(request, object_id)
        assert isinstance(campaign, Campaign)
        panel = panel_of(campaign)
        context = self._drawn(panel) | {"announce": request.GET.get("heard") != panel.heard}
        is_stale = request.GET.get("seen", panel.look.word) != panel.look.word
        return HttpResponse(
            render_to_string("campaigns/_live.html", context, request),
            headers={"HX-Refresh": "true"} if is_stale else {},
        )

    def _drawn(self, panel: Panel) -> dict[str, Any]:
        return {"panel": panel, "live_url": self.panel_url(panel.campaign)}

    # --- the list ----------------------------------------------------------------------------

    @display(description="Status", ordering="status")
    def state(self, campaign: Campaign) -> SafeString:
        look = look_of(campaign)
        return format_html(
            '<span class="live-list live-list--{}"><span class="material-symbols-outlined" '
            'aria-hidden="true">{}</span>{}</span>',
            look.tone,
            look.icon,
            look.word,
        )

    @display(description="Progress")
    def progress(self, campaign: Campaign) -> SafeString | str:
        run = campaign.run
        if run is None or not run.progress_total:
            return "–"
        if campaign.status not in UNDER_WAY:
            return run.progress_text
        percent = run.progress_done * 100 // run.progress_total
        return format_html(
            '<span class="live-list"><progress max="{}" value="{}" aria-label="Settled">'
            "</progress>{} %</span>",
            run.progress_total,
            run.progress_done,
            percent,
        )

    @display(description="Recipients")
    def recipients(self, campaign: Campaign) -> str:
        total = campaign.run and campaign.run.progress_total
        return people(total) if total else "–"

    @display(description="Starts", ordering="scheduled_at")
    def starts(self, campaign: Campaign) -> str:
        return in_its_zone(campaign) if campaign.scheduled_at else "–"

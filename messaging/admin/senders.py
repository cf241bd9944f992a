"""Senders for staff: who messages come from, how fast they go, and the switch that stops them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.forms import ModelForm
from django.http import HttpRequest

from core import audit
from core.admin import ModelAdmin, button, display, register
from core.audit import actor_of
from messaging import days
from messaging.actions.senders import change_sender, pause_sender, resume_sender
from messaging.channels import Channel
from messaging.models import Sender
from messaging.sender_forms import SenderForm

STANDING = ("Standing", {"fields": (("status", "paused_reason"),)})
PARTS = (
    (None, {"fields": ("name", ("channel", "provider"))}),
    ("E-mail", {"fields": (("from_name", "from_email"), "reply_to")}),
    ("SMS", {"fields": (("from_number", "messaging_service"),)}),
    ("Pace and doubt", {"fields": (("rate_per_second", "lanes"), "in_doubt_policy")}),
)
#: What belongs to one channel alone; an existing sender shows no other.
OF_OTHERS = {Channel.EMAIL: "SMS", Channel.SMS: "E-mail"}


#: How a sender holds back, below who it is.
PACE = (
    (
        "How much a day",
        {
            "fields": ("daily_cap", "warm_up", "warm_up_from", "time_zone"),
            "description": "What is left over goes out on the next days, by itself.",
        },
    ),
    (
        "When, and how often to one person",
        {"fields": ("quiet_from", "quiet_until", "contact_cap", "contact_cap_days")},
    ),
    (
        "When a campaign stops itself",
        {"fields": ("max_bounce_percent", "max_complaint_percent", "guard_sample")},
    ),
)


class ReasonForm(forms.Form):
    """Why a sender is paused."""

    reason = forms.CharField(max_length=500, help_text="For those who find it paused.")


def why_not_pause(_admin: Any, _request: HttpRequest, sender: Sender) -> str:
    return "It is paused already." if sender.is_paused else ""


def why_not_resume(_admin: Any, _request: HttpRequest, sender: Sender) -> str:
    return "" if sender.is_paused else "It is active."


@register(Sender)
class SenderAdmin(ModelAdmin):
    """A sender's page."""

    empty_text = "A sender is who messages come from. The sandbox keeps messages here, so it is a safe first one."

    form = SenderForm
    list_display = ("name", "provider", "comes_from", "pace", "today", "state", "paused_reason")
    list_filter: ClassVar = ["channel", "provider"]
    search_fields: ClassVar = ["name", "from_email", "from_number"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [*PARTS, *PACE]
        ours = [part for part in PARTS if part[0] != OF_OTHERS[obj.channel]]
        return [STANDING, *ours, *PACE]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("channel", "status", "paused_reason") if obj else ()

    @display(description="From")
    def comes_from(self, sender: Sender) -> str:
        if sender.channel == Channel.EMAIL:
            return sender.from_email
        return sender.from_number or sender.messaging_service or "TWILIO_PHONE_NUMBER"

    def save_model(
        self, request: HttpRequest, obj: Sender, form: ModelForm[Sender], change: bool
    ) -> None:
        """Write through an action; only what was changed, so that a pause of the same moment is kept."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if form.cleaned_data.get("warm_up_from") != form.initial.get("warm_up_from"):
            changes["warm_up_from"] = form.cleaned_data.get("warm_up_from")
        if change:
            change_sender(obj, actor=actor_of(request), **changes)
        else:
            super().save_model(request, obj, form, change)
            audit.record("sender.created", obj, actor=actor_of(request))

    @display(description="Status", label={"Active": "success", "Paused": "warning"})
    def state(self, sender: Sender) -> str:
        return sender.get_status_display()

    @display(description="Pace")
    def pace(self, sender: Sender) -> str:
        rate = sender.rate_per_second
        return "as fast as it goes" if rate is None else f"{rate:g} a second"

    @display(description="Today")
    def today(self, sender: Sender) -> str:
        allowed = days.allowance(sender, days.today(sender))
        if allowed is None:
            return "no limit"
        return f"{days.used_on(sender, days.today(sender)):,} of {allowed:,}"

    @button(
        label="Pause",
        permission="control",
        form=ReasonForm,
        confirm="Stop everything that goes out through it? Batches on their way are finished.",
        why_not=why_not_pause,
        is_danger=True,
    )
    def pause(self, request: HttpRequest, sender: Sender, *, reason: str) -> str:
        pause_sender(sender, reason=reason, actor=actor_of(request))
        return f"{sender.name} is paused."

    @button(
        label="Resume",
        permission="control",
        confirm="Let it go on where it stood?",
        why_not=why_not_resume,
    )
    def resume(self, request: HttpRequest, sender: Sender) -> str:
        resume_sender(sender, actor=actor_of(request))
        return f"{sender.name} goes on."

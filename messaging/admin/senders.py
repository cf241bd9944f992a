"""Senders for staff: who messages come from, how fast they go, and the switch that stops them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from core.admin import ModelAdmin, button, display, register
from core.audit import actor_of
from messaging.actions.senders import pause_sender, resume_sender
from messaging.models import Sender

PARTS = (
    "name",
    "provider",
    "from_name",
    "from_email",
    "reply_to",
    "rate_per_second",
    "lanes",
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

    list_display = ("name", "provider", "from_email", "pace", "lanes", "state", "paused_reason")
    search_fields: ClassVar = ["name", "from_email"]
    readonly_fields = ("status", "paused_reason")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*PARTS, *self.readonly_fields) if obj else PARTS

    @display(description="Status", label={"Active": "success", "Paused": "warning"})
    def state(self, sender: Sender) -> str:
        return sender.get_status_display()

    @display(description="Pace")
    def pace(self, sender: Sender) -> str:
        rate = sender.rate_per_second
        return "as fast as it goes" if rate is None else f"{rate:g} a second"

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

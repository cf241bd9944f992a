"""What staff fill in about a sender; a form says beside the field what was refused."""

from __future__ import annotations

from typing import Any

from django import forms

from core import clock
from messaging.addresses import normalise_origin, normalise_time_zone
from messaging.allowances import ramp_of
from messaging.channels import Channel
from messaging.forms import kept
from messaging.models import ProviderName, Sender
from messaging.providers.names import CHANNELS

#: What a sender of a channel has no use for.
OF_OTHERS = {
    Channel.EMAIL: {"from_number", "messaging_service"},
    Channel.SMS: {"from_email", "reply_to"},
}


def clean_ramp(text: str) -> str:
    """Return a warm-up in one spelling; raise Refused."""
    return ", ".join(map(str, ramp_of(text)))


class OriginForm(forms.ModelForm):
    """From whom messages go out, and through whom; what belongs to the other channel is left empty."""

    def clean_from_number(self) -> str:
        return kept(normalise_origin, self.cleaned_data["from_number"]) or ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        channel = Channel(cleaned.get("channel") or self.instance.channel)
        for name in OF_OTHERS[channel] & cleaned.keys():
            cleaned[name] = ""
        provider = cleaned.get("provider")
        if provider and channel not in CHANNELS[provider]:
            told = f"{ProviderName(provider).label} does not deliver {channel.label}."
            self.add_error("provider", f"{told} Choose another provider.")
        if channel == Channel.EMAIL and cleaned.get("from_email") == "":
            self.add_error("from_email", "An e-mail needs an address that it comes from.")
        if cleaned.get("from_number") and cleaned.get("messaging_service"):
            self.add_error("messaging_service", "Name a number or a messaging service, not both.")
        return cleaned


class SenderForm(OriginForm):
    """A sender with its limits."""

    class Meta:
        model = Sender
        fields = "__all__"  # noqa: DJ007 - the admin names the fields that it shows

    def clean_time_zone(self) -> str | None:
        return kept(normalise_time_zone, self.cleaned_data["time_zone"])

    def clean_warm_up(self) -> str | None:
        return kept(clean_ramp, self.cleaned_data["warm_up"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if (start is None) != (end is None):
            missing = "quiet_from" if start is None else "quiet_until"
            self.add_error(missing, "Quiet hours need a beginning and an end; or leave both empty.")
        elif start is not None and start == end:
            self.add_error("quiet_until", "Quiet hours that end where they begin are no hours.")
        if cleaned.get("warm_up") and not cleaned.get("warm_up_from"):
            cleaned["warm_up_from"] = clock.now().date()
        return cleaned

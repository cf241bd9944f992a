"""What staff fill in about a sender's pace; a form says beside the field what was refused."""

from __future__ import annotations

from typing import Any

from django import forms

from core import clock
from messaging.addresses import normalise_time_zone
from messaging.allowances import ramp_of
from messaging.forms import kept
from messaging.models import Sender


def clean_ramp(text: str) -> str:
    """Return a warm-up in one spelling; raise Refused."""
    return ", ".join(map(str, ramp_of(text)))


class SenderForm(forms.ModelForm):
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

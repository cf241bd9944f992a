"""What buttons ask staff: a moment, a reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings

from campaigns.moments import FIELD, check_future
from core.errors import Refused
from core.local_time import localised, zones


class ScheduleForm(forms.Form):
    """A day, a time and the zone they are meant in; answers with `at` and `time_zone`."""

    date = forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}))
    time = forms.TimeField(label="Time", widget=forms.TimeInput(attrs={"type": "time"}))
    time_zone = forms.ChoiceField(
        label="Time zone", choices=zones, initial=lambda: settings.TIME_ZONE
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        zone = cleaned["time_zone"]
        try:
            at = localised(self._local(), time_zone=zone, field=FIELD)
            check_future(at)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return {"at": at, "time_zone": zone}

    def _local(self) -> datetime:
        return datetime.combine(self.cleaned_data["date"], self.cleaned_data["time"])


class PauseForm(forms.Form):
    """Why it is paused; shown to everybody who looks."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Optional. Shown on the campaign while it is paused.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

"""What buttons and pages ask staff: which funnel, which list, which person, which moment."""

from __future__ import annotations

from typing import Any

from django import forms

from core.errors import Refused
from funnels.models import Funnel
from funnels.states import Attendance
from messaging.finding import find_contact
from messaging.models import Contact, ContactList


class LaunchForm(forms.Form):
    """Which funnel; only published ones can be launched."""

    funnel = forms.ModelChoiceField(
        Funnel.objects.filter(versions__published_at__isnull=False).distinct().order_by("name")
    )


class EnrollForm(forms.Form):
    """Whom: everybody on a list."""

    list = forms.ModelChoiceField(ContactList.objects.order_by("name"))


class ReasonForm(forms.Form):
    """Why; for those who find it so."""

    reason = forms.CharField(required=False, max_length=200)


class DryRunForm(forms.Form):
    """Who, when they enroll, and whether they come."""

    person = forms.CharField(max_length=320, help_text="An address, a number, or con_…")
    enrolled_at = forms.DateTimeField(
        label="enrolls at",
        required=False,
        help_text="Empty: now.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    attendance = forms.ChoiceField(choices=Attendance.choices, required=False)

    def clean_person(self) -> Contact:
        try:
            return find_contact(self.cleaned_data["person"])
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_attendance(self) -> str:
        chosen: Any = self.cleaned_data["attendance"]
        return chosen or Attendance.UNKNOWN

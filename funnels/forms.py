"""What buttons and pages ask staff: which funnel, which list, which person, which moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from core.errors import Refused
from core.local_time import localised
from funnels.actions.enrolling import check_open
from funnels.models import Event, Funnel
from funnels.states import Attendance
from messaging.finding import find_contact
from messaging.models import Contact, ContactList


def published_funnels() -> QuerySet[Funnel]:
    """Return the funnels that can be launched at all."""
    return Funnel.objects.filter(versions__published_at__isnull=False).distinct().order_by("name")


class EventForm(forms.ModelForm):
    """An event; its start and its end are written, and shown, as the clocks of its own zone tell them."""

    MOMENTS = ("starts_at", "ends_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.MOMENTS:
            moment = self.initial.get(name)
            if self.instance.pk and isinstance(moment, datetime) and moment.tzinfo:
                self.initial[name] = moment.astimezone(self.instance.zone).replace(tzinfo=None)

    def full_clean(self) -> None:
        """Take what is typed as it stands, whatever the site's own zone makes of it."""
        with timezone.override(UTC):
            super().full_clean()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in self.MOMENTS:
            if moment := cleaned.get(name):
                try:
                    cleaned[name] = _there(moment, zone=cleaned.get("time_zone", "UTC"), field=name)
                except Refused as refusal:
                    self.add_error(name, str(refusal))
        return cleaned


def _there(typed: datetime, *, zone: str, field: str) -> datetime:
    """Return the moment at which the clocks of a zone tell what was typed, in UTC."""
    return localised(typed.replace(tzinfo=None), time_zone=zone, field=field).astimezone(UTC)


class LaunchForm(forms.Form):
    """Which funnel; only published ones can be launched."""

    funnel = forms.ModelChoiceField(published_funnels())


class EnrollForm(forms.Form):
    """Whom: everybody on a list."""

    list = forms.ModelChoiceField(ContactList.objects.order_by("name"))


class ReasonForm(forms.Form):
    """Why; for those who find it so."""

    reason = forms.CharField(required=False, max_length=200)


class DryRunForm(forms.Form):
    """Who, when they enroll, as the clocks of the event's zone tell it, and whether they come."""

    person = forms.CharField(max_length=320, help_text="An address, a number, or con_…")
    enrolled_at = forms.DateTimeField(
        label="enrolls at",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    attendance = forms.ChoiceField(choices=Attendance.choices, required=False)

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.event = event
        self.fields["enrolled_at"].help_text = f"In {event.time_zone}. Empty: now."

    def full_clean(self) -> None:
        """Take the moment as it stands, whatever the site's own zone makes of it."""
        with timezone.override(UTC):
            super().full_clean()

    def clean_enrolled_at(self) -> datetime | None:
        """Return the moment, at which somebody could enroll."""
        typed = self.cleaned_data["enrolled_at"]
        try:
            at = typed and _there(typed, zone=self.event.time_zone, field="enrolled_at")
            check_open(self.event, at=at)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return at

    def clean_person(self) -> Contact:
        try:
            return find_contact(self.cleaned_data["person"])
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_attendance(self) -> str:
        chosen: Any = self.cleaned_data["attendance"]
        return chosen or Attendance.UNKNOWN

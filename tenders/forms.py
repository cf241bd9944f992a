"""What staff are asked: what to look for, why a window is given up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from core.errors import Refused
from core.local_time import zones
from tenders.finding import Criteria, check
from tenders.models import SavedSearch, TenderSource
from tenders.states import EventKind, Phase


class Alternatives(forms.CharField):
    """Several values with commas between."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(value)
        return tuple(filter(None, (part.strip() for part in (value or "").split(","))))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value


class CriteriaForm(forms.Form):
    """What to look for: the fields of `Criteria`, by name."""

    all = forms.CharField(
        label="All of these words", required=False, max_length=500, help_text="clean* begins so"
    )
    any = forms.CharField(label="Any of these words", required=False, max_length=500)
    exact = forms.CharField(label="These words side by side", required=False, max_length=500)
    none = forms.CharField(label="None of these words", required=False, max_length=500)
    sources = forms.MultipleChoiceField(required=False)
    categories = Alternatives(required=False, help_text="goods, works, services, or a detailed one")
    cpv = Alternatives(label="CPV", required=False, help_text="45, 4521 or 45211000, and all below")
    buyer = forms.CharField(required=False, max_length=200)
    regions = Alternatives(required=False)
    phases = forms.MultipleChoiceField(required=False, choices=Phase.choices)
    least_value = forms.DecimalField(label="Value from", required=False, max_digits=20)
    most_value = forms.DecimalField(label="Value to", required=False, max_digits=20)
    currency = forms.CharField(required=False, max_length=3)
    closing_within_days = forms.IntegerField(required=False, min_value=0, max_value=3650)
    is_open = forms.BooleanField(label="Still open", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_sources(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            refuse_in_form(self, cleaned)
        return cleaned


def offer_sources(form: Any) -> None:
    form.fields["sources"].choices = list(
        TenderSource.objects.order_by("name").values_list("key", "name")
    )


def refuse_in_form(form: Any, cleaned: dict[str, Any]) -> None:
    """Have the reason stand beside its field where nothing could be found by these criteria."""
    try:
        check(criteria_of(cleaned))
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))


def criteria_of(cleaned: dict[str, Any]) -> Criteria:
    """Return what a form asks for."""
    given = {name: cleaned.get(name) for name in CriteriaForm.base_fields}
    for name in ("sources", "phases"):
        given[name] = tuple(given[name] or ())
    return Criteria(**{name: value for name, value in given.items() if value is not None})


class SavedSearchForm(CriteriaForm, forms.ModelForm):
    """A saved search with its criteria."""

    kinds = forms.MultipleChoiceField(
        label="Kinds of change",
        required=False,
        choices=EventKind.choices,
        help_text="None: every kind",
    )
    time_zone = forms.ChoiceField(choices=zones, initial=lambda: settings.TIME_ZONE)

    class Meta:
        model = SavedSearch
        fields = ("name", "contact", "kinds", "frequency", "hour", "weekday", "time_zone", "sender")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        if instance is not None:
            kwargs["initial"] = {**instance.criteria, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class RangeForm(forms.Form):
    """Days, both included."""

    start = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))

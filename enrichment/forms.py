"""What staff fill in about clients, money and prompts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms

from core.errors import Refused
from enrichment.live import in_words
from enrichment.models import Brief, Budget, Client, ClientUser
from enrichment.pricing import MICROS, micros_of
from enrichment.profile import FIELDS, ProfileField, label_of
from enrichment.states import Intent, Mode, Platform, ProposalStatus
from enrichment.wording import what_briefs_cost

ONE_PER_LINE = "One per line, three at most."


def form_field(field: ProfileField) -> forms.Field:
    if field.is_list:
        rows = forms.Textarea(attrs={"rows": 3})
        return forms.CharField(
            label=field.label, required=False, widget=rows, help_text=ONE_PER_LINE
        )
    return forms.CharField(label=field.label, required=False, max_length=300)


class ClientForm(forms.ModelForm):
    """A client, and what is known of it. What a person writes here is locked.

    Changed is what differs from what the page showed, not from what stands now: a page that was opened before an answer
    came, or before somebody else saved, takes nothing back that it did not show.
    """

    class Meta:
        model = Client
        fields = ("name", "domain", "web_text", "mode")
        widgets: ClassVar = {"web_text": forms.Textarea(attrs={"rows": 6})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and not self.instance._state.adding:
            known = dict(self.instance.values.values_list("field", "value"))
            for name, field in FIELDS.items():
                value = known.get(name, "")
                self.initial[name] = "\n".join(value) if field.is_list else value
            for shown in self.fields.values():
                shown.show_hidden_initial = True

    def written(self) -> dict[str, Any]:
        """Return the fields of the profile that were changed, as values."""
        changed = [name for name in self.changed_data if name in FIELDS]
        return {
            name: self.cleaned_data[name].splitlines()
            if FIELDS[name].is_list
            else self.cleaned_data[name]
            for name in changed
        }


#: The form with a field for each that can be known.
ProfileForm: type[ClientForm] = type(
    "ProfileForm", (ClientForm,), {name: form_field(field) for name, field in FIELDS.items()}
)


class ChosenForm(forms.Form):
    """Some of several things, all of them unless a person unticks them; `choices` come from the object."""

    chosen = forms.MultipleChoiceField(label="Which", widget=forms.CheckboxSelectMultiple)

    def offer(self, choices: Mapping[str, str]) -> None:
        field = self.fields["chosen"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list(choices.items())
        field.initial = list(choices)


class CompetitorForm(forms.Form):
    """A competitor, named by a person."""

    name = forms.CharField(max_length=200)
    domain = forms.CharField(max_length=2_000, help_text="Its website, such as rival.co.za.")


class ModeForm(forms.Form):
    """What becomes of the answer."""

    mode = forms.ChoiceField(
        label="The answer",
        required=False,
        choices=[("", "As the client says"), *Mode.choices],
    )


class CapForm(forms.Form):
    """What all of it may cost together."""

    at_most = forms.DecimalField(
        label="Spend at most, in US dollars",
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=4,
        help_text="Empty: the budgets alone hold. Who does not fit in is left out, and can be asked later.",
    )
    mode = ModeForm.base_fields["mode"]


class BudgetForm(forms.ModelForm):
    """A budget in dollars."""

    cap = forms.DecimalField(
        label="At most, in US dollars",
        min_value=0,
        max_digits=12,
        decimal_places=6,
        help_text="0 stops all calls that it holds for.",
    )

    class Meta:
        model = Budget
        fields = ("scope", "subject")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["cap"] = Decimal(self.instance.cap_micros) / MICROS

    @property
    def cap_micros(self) -> int:
        return micros_of(self.cleaned_data["cap"])


class VersionForm(forms.Form):
    """The next version of a prompt."""

    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 12}))
    model = forms.CharField(max_length=100)
    max_tokens = forms.IntegerField(
        label="Longest answer, in tokens", help_text="It bounds what a call can cost."
    )
    params = forms.JSONField(
        label="Parameters",
        required=False,
        empty_value={},
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text='Such as {"temperature": 0.3}.',
    )
    schema = forms.JSONField(
        label="JSON schema of the answer", widget=forms.Textarea(attrs={"rows": 12})
    )


def one_per_line(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class BriefForm(forms.ModelForm):
    """What a brief is for."""

    keywords = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), help_text="One per line.")
    platforms = forms.MultipleChoiceField(
        choices=Platform.choices, widget=forms.CheckboxSelectMultiple, initial=Platform.values
    )

    class Meta:
        model = Brief
        fields = (
            *("title", "client", "keywords", "purpose", "audience", "platforms"),
            *("style_guide", "instructions"),
        )
        widgets: ClassVar = {
            "style_guide": forms.Textarea(attrs={"rows": 3}),
            "instructions": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.fields["platforms"].help_text = _briefs_cost()

    def clean_keywords(self) -> list[str]:
        return one_per_line(self.cleaned_data["keywords"])


def _briefs_cost() -> str:
    try:
        return what_briefs_cost()
    except Refused as refusal:
        return str(refusal)


class QueriesForm(forms.Form):
    """For which keywords queries are written."""

    keywords = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}), help_text="One per line; each is one call."
    )
    count = forms.IntegerField(label="For each intent", initial=3, min_value=1, max_value=10)
    intents = forms.MultipleChoiceField(
        choices=Intent.choices, widget=forms.CheckboxSelectMultiple, initial=Intent.values
    )

    def clean_keywords(self) -> list[str]:
        return one_per_line(self.cleaned_data["keywords"])


class ClientUserForm(forms.ModelForm):
    """A person of a client who gets a log-in."""

    email = forms.EmailField(label="E-mail address", max_length=150)
    first_name = forms.CharField(max_length=150)
    last_name = forms.CharField(max_length=150)

    class Meta:
        model = ClientUser
        fields = ("client",)


def pending(client: Client) -> dict[str, str]:
    """Return the proposals that wait, with what they say."""
    waiting = client.proposals.filter(status=ProposalStatus.PENDING).order_by("field")
    return {each.public_id: f"{label_of(each.field)}: {in_words(each.value)}" for each in waiting}


def locked(client: Client) -> dict[str, str]:
    names = client.values.filter(is_locked=True).values_list("field", flat=True)
    return {name: label_of(name) for name in names}

"""What staff fill in about people and templates. A form says beside the field what was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms

from core.errors import Refused
from messaging.actions.templates import prepare_version
from messaging.addresses import normalise_email, normalise_phone, normalise_time_zone
from messaging.attributes import clean_attributes
from messaging.channels import Channel
from messaging.models import Contact, Template

ROWS = {"html": 16, "text": 5}


def kept(clean: Callable[[str], str], value: str | None) -> str | None:
    """Return a value as it will be stored; turn a refusal into the form's own error."""
    try:
        return clean(value) if value else value
    except Refused as refusal:
        raise forms.ValidationError(str(refusal)) from None


class ContactForm(forms.ModelForm):
    """A person, with addresses in whatever spelling."""

    class Meta:
        model = Contact
        fields = (
            "email",
            "phone",
            "first_name",
            "last_name",
            "time_zone",
            "locale",
            "attributes",
        )
        widgets: ClassVar = {"attributes": forms.Textarea(attrs={"rows": 4})}

    def clean_email(self) -> str | None:
        return kept(normalise_email, self.cleaned_data["email"])

    def clean_phone(self) -> str | None:
        return kept(normalise_phone, self.cleaned_data["phone"])

    def clean_time_zone(self) -> str | None:
        return kept(normalise_time_zone, self.cleaned_data["time_zone"])

    def clean_attributes(self) -> dict[str, Any]:
        try:
            return clean_attributes(self.cleaned_data["attributes"] or {})
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("email") and not cleaned.get("phone"):
            self.add_error("email", "A contact needs an e-mail address or a phone number.")
        return cleaned


class TemplateForm(forms.ModelForm):
    """A template with the content of its latest version; saving other content makes the next."""

    subject = forms.CharField(max_length=500, required=False)
    html = forms.CharField(
        label="HTML",
        widget=forms.Textarea(attrs={"rows": ROWS["html"]}),
        required=False,
        help_text="Variables stand in double braces: {{ contact.first_name | default: 'friend' }}, "
        "{{ contact.attributes.city }}, {{ unsubscribe_url }}. Styles go into a style element.",
    )
    text = forms.CharField(
        label="Plain text",
        widget=forms.Textarea(attrs={"rows": ROWS["text"]}),
        required=False,
        help_text="Left empty it is derived from the HTML.",
    )

    class Meta:
        model = Template
        fields = ("name", "channel")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        latest = instance.latest if instance else None
        if latest:
            content = {
                "subject": latest.subject,
                "html": latest.source_html,
                "text": latest.source_text,
            }
            kwargs["initial"] = {**content, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    @property
    def content(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("subject", "html", "text")}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        channel = cleaned.get("channel") or self.instance.channel
        try:
            prepare_version(Template(channel=channel), actor="", **self.content)
        except Refused as refusal:
            self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))
        return cleaned


class GiveConsentForm(forms.Form):
    """What a person agreed to, and how staff know."""

    channel = forms.ChoiceField(choices=Channel.choices)
    source = forms.CharField(max_length=200, help_text="Where, such as 'telephone, 3 May'.")
    wording = forms.CharField(
        max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class WithdrawConsentForm(forms.Form):
    """Where a person said that they no longer agree."""

    channel = forms.ChoiceField(choices=Channel.choices)
    source = forms.CharField(max_length=200, help_text="Where, such as 'telephone, 3 May'.")

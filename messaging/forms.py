"""What staff fill in about people and templates. A form says beside the field what was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms

from core.errors import Refused
from messaging.actions.templates import Source, prepare_version, source_of
from messaging.addresses import normalise_email, normalise_phone, normalise_time_zone
from messaging.attributes import clean_attributes
from messaging.channels import Channel
from messaging.finding import contact_or_none
from messaging.models import Contact, Sender, Template

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
    preheader = forms.CharField(
        max_length=300,
        required=False,
        help_text="E-mail only: the line an inbox shows behind the subject. About 90 letters are seen.",
    )
    html = forms.CharField(
        label="HTML or MJML",
        widget=forms.Textarea(attrs={"rows": ROWS["html"], "spellcheck": "false"}),
        required=False,
        help_text="MJML sections (mj-section) stand in the house's layout, which fits phones and the dark; a whole "
        "mjml document or HTML stands as it is. Variables: {{ contact.first_name | default: 'friend' }}, "
        "{{ event.start_at | local_time }}, {{ unsubscribe_url }}.",
    )
    text = forms.CharField(
        label="Plain text",
        widget=forms.Textarea(attrs={"rows": ROWS["text"]}),
        required=False,
        help_text="Of an e-mail it is derived from the HTML where this is empty. An SMS has nothing else.",
    )

    class Meta:
        model = Template
        fields = ("name", "channel")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        latest = instance.latest if instance else None
        if latest:
            kwargs["initial"] = {**source_of(latest), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    @property
    def content(self) -> Source:
        """What was written, as the action takes it."""
        return {
            "subject": self.cleaned_data["subject"],
            "preheader": self.cleaned_data["preheader"],
            "html": self.cleaned_data["html"],
            "text": self.cleaned_data["text"],
        }

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


class ProofForm(forms.Form):
    """Where a test goes, through which sender, and as whom it is written."""

    address = forms.CharField(
        max_length=254, label="To", help_text="An e-mail address; for an SMS a phone number."
    )
    sender = forms.ModelChoiceField(Sender.objects.order_by("name"))
    contact = forms.CharField(
        max_length=254,
        required=False,
        label="Written as for",
        help_text="An e-mail address or con_… of a contact. Empty: a sample person.",
    )

    def clean_contact(self) -> Contact | None:
        wanted = self.cleaned_data["contact"].strip()
        contact = contact_or_none(wanted)
        if wanted and contact is None:
            raise forms.ValidationError(f"There is no contact {wanted}.")
        return contact


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


class DoubleOptInForm(forms.Form):
    """Who a list's confirmation comes from, and what it says."""

    sender = forms.ModelChoiceField(
        Sender.objects.filter(channel=Channel.EMAIL), help_text="Who the mail comes from."
    )
    template = forms.ModelChoiceField(
        Template.objects.filter(channel=Channel.EMAIL),
        help_text="What it says; it must show {{ data.confirm_url }}.",
    )

"""What the API takes and gives of templates: one shape for each direction."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import PublicIdField
from core.api.inputs import Input
from messaging.channels import Channel
from messaging.models import Contact, ProofStatus, Sender, Template, TemplateVersion
from messaging.proofreading import remarks_about


class TemplateInput(Input):
    """A new template, without content."""

    name = serializers.CharField(max_length=120)
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.EMAIL)


class VersionInput(Input):
    """The whole content of the next version."""

    subject = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    preheader = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    html = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        help_text="HTML, a whole mjml document, or MJML sections that stand in the shared layout.",
    )
    text = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        help_text="Of an e-mail it is derived where this is empty.",
    )


class TemplatePreviewInput(Input):
    """For whom it is written, and what a campaign or funnel would give."""

    contact = PublicIdField(Contact, required=False)
    data = serializers.DictField(  # type: ignore[assignment]  # our word is also the framework's
        required=False, help_text="As `data` and `event` in templates; else a sample event."
    )


class ProofInput(TemplatePreviewInput):
    """Where a test goes, and through which sender."""

    to = serializers.CharField(max_length=320, help_text="An e-mail address or a phone number.")
    sender = PublicIdField(Sender)


class VersionOutput(serializers.Serializer[Any]):
    """One version, as it was written and as it goes out."""

    number = serializers.IntegerField()
    subject = serializers.CharField()
    preheader = serializers.CharField()
    source_html = serializers.CharField()
    source_text = serializers.CharField()
    html = serializers.CharField()
    text = serializers.CharField()
    variables = serializers.ListField(child=serializers.CharField())
    content_blocks = serializers.ListField(child=serializers.CharField())
    remarks = serializers.SerializerMethodField(
        help_text="What is amiss with links, pictures and size; forbids nothing."
    )
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_remarks(self, version: TemplateVersion) -> list[str]:
        return remarks_about(version)


class TemplateOutput(serializers.Serializer[Any]):
    """A template as it stands in a list."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    channel = serializers.ChoiceField(choices=Channel.choices)
    created_at = serializers.DateTimeField()


class TemplateDetailOutput(TemplateOutput):
    """A template with its latest version."""

    latest = serializers.SerializerMethodField()

    @extend_schema_field(VersionOutput(allow_null=True))
    def get_latest(self, template: Template) -> dict[str, Any] | None:
        version = template.latest
        return dict(VersionOutput(version).data) if version else None


class TemplatePreviewOutput(serializers.Serializer[Any]):
    """What this person would get, or why not."""

    subject = serializers.CharField(source="rendered.subject", default="")
    preheader = serializers.CharField()
    html = serializers.CharField(source="rendered.html", default="")
    text = serializers.CharField(source="rendered.text", default="")
    problem = serializers.CharField(help_text="Why this person could not get it.")
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Variables without a value for this person."
    )
    absent = serializers.ListField(
        child=serializers.CharField(),
        help_text="External content without a copy: its fallback is shown.",
    )
    remarks = serializers.ListField(child=serializers.CharField())


class ProofOutput(serializers.Serializer[Any]):
    """A test, and what became of it."""

    id = serializers.CharField(source="public_id")
    to = serializers.CharField(source="address")
    version = serializers.IntegerField(source="version.number")
    sender = serializers.CharField(source="sender.public_id")
    status = serializers.ChoiceField(choices=ProofStatus.choices)
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)

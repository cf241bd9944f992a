"""What the API takes and gives of single messages."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import PublicIdField
from core.api.inputs import Input
from messaging.actions.sending import Timing
from messaging.channels import Channel
from messaging.history import history_of
from messaging.life import MOMENTS
from messaging.models import Contact, Message, Sender
from messaging.states import HoldPolicy, MessageStatus


class MessageInput(Input):
    """One message to one person: a contact, or whoever has an address."""

    template = serializers.CharField(max_length=120, help_text="Its name, or its id tpl_….")
    contact = PublicIdField(Contact, required=False)
    to = serializers.CharField(
        max_length=320, required=False, help_text="An e-mail address or a telephone number."
    )
    channel = serializers.ChoiceField(
        choices=Channel.choices, required=False, help_text="The template's; refused if it is not."
    )
    sender = PublicIdField(Sender, required=False)
    data = serializers.DictField(  # type: ignore[assignment]  # our word is also the framework's
        required=False, help_text="What the template sees as `data`."
    )
    quiet_hours = serializers.ChoiceField(
        choices=HoldPolicy.choices,
        required=False,
        help_text="What becomes of it in its recipient's quiet hours; unless told otherwise it is sent.",
    )
    not_before = serializers.DateTimeField(required=False, help_text="Held until then.")
    expires_at = serializers.DateTimeField(
        required=False, help_text="Skipped when it could not go out until then."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("to" in attrs):
            raise serializers.ValidationError("Name either `contact` or `to`.", code="recipient")
        timing = {
            name: attrs.pop(name)
            for name in ("quiet_hours", "not_before", "expires_at")
            if name in attrs
        }
        return {**attrs, "timing": Timing(**timing)}


class MessageFilter(serializers.Serializer[Any]):
    """By what a list of messages is narrowed down."""

    status = serializers.ChoiceField(choices=MessageStatus.choices, required=False)
    reason = serializers.CharField(max_length=64, required=False)
    life = serializers.ChoiceField(
        choices=[(stage.value, stage.label) for stage in MOMENTS],
        required=False,
        help_text="Messages to which that happened.",
    )
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    sender = PublicIdField(Sender, required=False)
    contact = PublicIdField(Contact, required=False)
    template = serializers.CharField(max_length=120, required=False, help_text="Its name or id.")
    since = serializers.DateTimeField(required=False, help_text="Written at that time or later.")
    until = serializers.DateTimeField(required=False, help_text="Written before that time.")


class MessageOutput(serializers.Serializer[Any]):
    """A message as it stands."""

    id = serializers.CharField(source="public_id")
    status = serializers.ChoiceField(choices=MessageStatus.choices)
    reason = serializers.CharField(help_text="Why it is held, was skipped, failed or is in doubt.")
    detail = serializers.CharField()
    delivery = serializers.CharField(help_text="How far its provider says that it came.")
    trouble = serializers.CharField(help_text="What its provider says went wrong.")
    channel = serializers.CharField(source="stream.sender.channel")
    template = serializers.CharField(source="stream.template_version.template.public_id")
    template_version = serializers.IntegerField(source="stream.template_version.number")
    sender = serializers.CharField(source="stream.sender.public_id")
    contact = serializers.CharField(source="contact.public_id")
    to = serializers.CharField(source="address")
    provider_id = serializers.CharField()
    not_before = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True)
    clicked_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(
        allow_null=True, help_text="Its provider took it, and gave up."
    )
    suppressed_at = serializers.DateTimeField(
        allow_null=True, help_text="Its provider took it, and keeps the address closed."
    )
    bounced_at = serializers.DateTimeField(allow_null=True)
    complained_at = serializers.DateTimeField(allow_null=True)
    unsubscribed_at = serializers.DateTimeField(allow_null=True)


class EntryOutput(serializers.Serializer[Any]):
    """One thing that happened to a message, or that it waits for."""

    at = serializers.DateTimeField()
    event = serializers.CharField()
    detail = serializers.CharField()


class MessageLifeOutput(MessageOutput):
    """A message with everything that happened to it."""

    events = serializers.SerializerMethodField()

    @extend_schema_field(EntryOutput(many=True))
    def get_events(self, message: Message) -> Any:
        return EntryOutput(history_of(message), many=True).data

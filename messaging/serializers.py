"""What the API takes and gives of contacts: one shape for each direction."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.inputs import Input
from messaging.actions.registration import GivenConsent
from messaging.channels import Channel
from messaging.models import Consent, ConsentState


class ConsentInput(Input):
    """What a person agreed to, and how we know."""

    channel = serializers.ChoiceField(choices=Channel.choices)
    source = serializers.CharField(  # type: ignore[assignment]  # our word is also the framework's
        max_length=200, help_text="Where, such as 'newsletter form'."
    )
    wording = serializers.CharField(
        max_length=10_000, required=False, allow_blank=True, help_text="What they agreed to."
    )
    ip_address = serializers.IPAddressField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> GivenConsent:
        values = super().to_internal_value(data)
        return GivenConsent(**{**values, "channel": Channel(values["channel"])})


class ContactInput(Input):
    """A new contact: an e-mail address, a phone number, or both."""

    email = serializers.CharField(max_length=320, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    region = serializers.RegexField(
        r"^[A-Z]{2}$", required=False, help_text="In which the phone is dialled, such as ZA."
    )
    first_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    time_zone = serializers.CharField(max_length=64, required=False, allow_blank=True)
    locale = serializers.CharField(max_length=16, required=False, allow_blank=True)
    attributes = serializers.DictField(
        required=False, help_text="Names in lower case, values of JSON, for templates."
    )
    consents = ConsentInput(many=True, required=False)


class ConsentOutput(serializers.Serializer[Consent]):
    """Where consent stands on one channel."""

    channel = serializers.ChoiceField(choices=Channel.choices)
    state = serializers.ChoiceField(choices=ConsentState.choices)
    updated_at = serializers.DateTimeField()


class ContactOutput(serializers.Serializer[Any]):
    """A contact as it stands."""

    id = serializers.CharField(source="public_id")
    email = serializers.CharField(allow_null=True)
    phone = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    time_zone = serializers.CharField()
    locale = serializers.CharField()
    attributes = serializers.DictField()
    consents = ConsentOutput(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

"""What the API takes and gives of enrollments: one shape for each direction."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import PublicIdField
from core.api.inputs import Input
from funnels.models import Event, Registration
from funnels.states import Attendance, EnrollmentStatus, RegistrationStatus
from messaging.channels import Channel
from messaging.models import Contact
from messaging.serializers import ConsentInput, ContactInput


class PersonInput(ContactInput):
    """Whoever has this address; what was not known of them is kept."""

    consents = None  # type: ignore[assignment]  # they stand beside the person


class EnrollmentInput(Input):
    """An event, and a contact or a person."""

    event = PublicIdField(Event)
    contact = PublicIdField(Contact, required=False)
    person = PersonInput(required=False)
    consents = ConsentInput(many=True, required=False, help_text="What they agreed to, and where.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("person" in attrs):
            raise serializers.ValidationError(
                {"person": ["Name a contact, or describe a person: one of the two."]}
            )
        return attrs


class AttendanceInput(Input):
    """Whether the person came."""

    attendance = serializers.ChoiceField(choices=[Attendance.ATTENDED, Attendance.NO_SHOW])


class JourneyOutput(serializers.Serializer[Any]):
    """The person's way through one funnel."""

    id = serializers.CharField(source="public_id")
    funnel = serializers.CharField(source="launch.funnel.name")
    version = serializers.IntegerField(source="version.number")
    status = serializers.ChoiceField(choices=EnrollmentStatus.choices)
    ended_reason = serializers.CharField()
    run = serializers.CharField(source="run.public_id", default=None, allow_null=True)
    enrolled_at = serializers.DateTimeField()


class ReminderOutput(serializers.Serializer[Any]):
    """What was handed over to the person."""

    type = serializers.CharField(help_text="The step's name, such as reminder-24h.")
    sent_at = serializers.DateTimeField()
    channel = serializers.ChoiceField(choices=Channel.choices)
    message_id = serializers.CharField()


class EnrollmentOutput(serializers.Serializer[Any]):
    """A person's enrolment in an event, with their way through each of its funnels."""

    id = serializers.CharField(source="public_id")
    event = serializers.CharField(source="event.public_id")
    contact = serializers.CharField(source="contact.public_id")
    status = serializers.ChoiceField(choices=RegistrationStatus.choices)
    attendance = serializers.ChoiceField(choices=Attendance.choices)
    attendance_note = serializers.CharField()
    attended_seconds = serializers.IntegerField()
    join_url = serializers.CharField(help_text="Of their own, from Zoom.")
    run = serializers.SerializerMethodField(
        help_text="Of the first funnel; `journeys` names them all."
    )
    journeys = JourneyOutput(many=True, source="enrollments.all")
    reminders_sent = ReminderOutput(many=True)
    registered_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_run(self, registration: Registration) -> str | None:
        runs = [each.run for each in registration.enrollments.all() if each.run]
        return min(runs, key=lambda run: run.pk).public_id if runs else None

"""What the API takes and gives of campaigns: one shape for each direction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Campaign
from campaigns.states import Status
from core.api.fields import PublicIdField
from core.api.inputs import Input
from messaging.models import ContactList, Sender, Template, Topic
from messaging.states import HoldPolicy


class CampaignInput(Input):
    """A draft as it is written."""

    name = serializers.CharField(max_length=200)
    template = PublicIdField(Template)
    sender = PublicIdField(Sender)
    lists = serializers.ListField(
        child=PublicIdField(ContactList), allow_empty=False, max_length=100
    )
    topic = PublicIdField(Topic, required=False, allow_null=True)
    quiet_hours = serializers.ChoiceField(
        choices=HoldPolicy.choices,
        required=False,
        help_text="What becomes of a message where it is night: `hold` until morning, `skip`, or `ignore` the night.",
    )
    over_cap = serializers.ChoiceField(
        choices=HoldPolicy.choices,
        required=False,
        help_text="The same for people who got as many messages of late as the sender allows.",
    )


class ScheduleInput(Input):
    """When to start: a moment with its offset, or local time in `time_zone`."""

    scheduled_at = serializers.CharField(
        max_length=40, help_text="2027-03-01T09:30+01:00, or 2027-03-01T09:30 in `time_zone`."
    )
    time_zone = serializers.CharField(
        max_length=64, default="UTC", help_text="The zone in which staff read it: Europe/Berlin."
    )


class PauseInput(Input):
    """Why it is paused; staff see it."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class CampaignProgressOutput(serializers.Serializer[Any]):
    """How many of its messages are settled."""

    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()


class CampaignOutput(serializers.Serializer[Any]):
    """A campaign as it stands."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    template = serializers.CharField(source="template.public_id")
    template_version = serializers.IntegerField(
        source="template_version.number", default=None, allow_null=True
    )
    sender = serializers.CharField(source="sender.public_id")
    lists = serializers.SerializerMethodField()
    topic = serializers.CharField(source="topic.public_id", default=None, allow_null=True)
    quiet_hours = serializers.ChoiceField(choices=HoldPolicy.choices)
    over_cap = serializers.ChoiceField(choices=HoldPolicy.choices)
    scheduled_at = serializers.SerializerMethodField(
        help_text="In the zone that staff chose; kept after it has started."
    )
    time_zone = serializers.CharField()
    start_problem = serializers.CharField(help_text="Why its scheduled start was refused.")
    asks_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when it is too late to start without a person's yes."
    )
    launched_at = serializers.DateTimeField(allow_null=True)
    paused_reason = serializers.CharField()
    cancel_asked_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    failure = serializers.CharField(
        help_text="Why its run failed; or, once it was sent, why nobody got it."
    )
    run = serializers.CharField(source="run.public_id", default=None, allow_null=True)
    progress = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_lists(self, campaign: Campaign) -> list[str]:
        return sorted(contact_list.public_id for contact_list in campaign.lists.all())

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_scheduled_at(self, campaign: Campaign) -> datetime | None:
        return campaign.scheduled_local

    @extend_schema_field(CampaignProgressOutput(allow_null=True))
    def get_progress(self, campaign: Campaign) -> dict[str, Any] | None:
        run = campaign.run
        if run is None:
            return None
        return {"done": run.progress_done, "total": run.progress_total, "text": run.progress_text}


class GapOutput(serializers.Serializer[Any]):
    """A variable without a default that some people have no value for."""

    variable = serializers.CharField()
    people = serializers.IntegerField()
    may_fail = serializers.BooleanField(
        help_text="Who has nothing at all gets no message; an empty value leaves a gap."
    )


class DuplicateInput(Input):
    """How the copy is called."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class AudienceOutput(serializers.Serializer[Any]):
    """Whom it would reach now."""

    total = serializers.IntegerField(help_text="People on its lists, each counted once.")
    sendable = serializers.IntegerField(help_text="Those who would get it.")
    skipped = serializers.DictField(
        child=serializers.IntegerField(), help_text="The others, by reason."
    )
    gaps = GapOutput(many=True, help_text="What the template needs and some of them lack.")

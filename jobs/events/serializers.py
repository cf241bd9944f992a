"""How events are taken and answered over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.inputs import Input
from core.ids import encode
from jobs.events.outcome import outcome
from jobs.models import EffectKind, Event, EventEffect, Run


class EventInput(Input):
    """An event to send."""

    name = serializers.CharField()
    data = serializers.JSONField(required=False, default=dict)  # type: ignore[assignment]
    id = serializers.CharField(
        required=False,
        default="",
        help_text="The same id of the same name counts once in 24 hours.",
    )
    at = serializers.DateTimeField(
        required=False,
        default=None,
        help_text="When it happened; runs that it starts do not begin before.",
    )


class SentOutput(serializers.Serializer[Any]):
    """What was sent, in the order of the request; a repeated id answers with the event that came first."""

    ids = serializers.ListField(child=serializers.CharField())


class EffectOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=EffectKind.choices)
    workflow = serializers.CharField()
    run = serializers.SerializerMethodField()
    step = serializers.CharField()
    detail = serializers.CharField()
    at = serializers.DateTimeField()

    def get_run(self, effect: EventEffect) -> str | None:
        return encode(Run.id_prefix, effect.run_id) if effect.run_id else None


class EventSummary(serializers.Serializer[Any]):
    """An event in a list."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    given_id = serializers.CharField(source="dedup_key")
    actor = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    dispatched_at = serializers.DateTimeField(allow_null=True)


class EventOutput(EventSummary):
    """An event, and what came of it."""

    data = serializers.JSONField()  # type: ignore[assignment]
    extra = serializers.JSONField()
    outcome = serializers.SerializerMethodField()
    effects = EffectOutput(many=True)

    def get_outcome(self, event: Event) -> str:
        return outcome(event)

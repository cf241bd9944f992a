"""How a run is answered over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.inputs import Input
from core.ids import encode
from jobs.models import Run, Step
from jobs.states import RunStatus, StepKind, StepStatus
from jobs.timeline import count_children


class ProgressOutput(serializers.Serializer[Any]):
    done = serializers.IntegerField(source="progress_done")
    total = serializers.IntegerField(source="progress_total", allow_null=True)
    text = serializers.CharField(source="progress_text")


class ErrorOutput(serializers.Serializer[Any]):
    """Why a run failed; tracebacks are for staff, in the admin."""

    type = serializers.CharField()
    message = serializers.CharField()
    step = serializers.CharField()


class StepOutput(serializers.Serializer[Any]):
    name = serializers.CharField(source="key")
    kind = serializers.ChoiceField(choices=StepKind.choices)
    status = serializers.ChoiceField(choices=StepStatus.choices)
    attempts = serializers.IntegerField()
    progress = ProgressOutput(source="*")
    wake_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class WorkflowOutput(serializers.Serializer[Any]):
    """A workflow: what starts it, what holds its runs back, and the JSON Schema of its input."""

    name = serializers.CharField()
    version = serializers.IntegerField()
    about = serializers.CharField()
    triggers = serializers.ListField(child=serializers.CharField())
    limits = serializers.ListField(child=serializers.CharField())
    next_at = serializers.DateTimeField(allow_null=True)
    is_paused = serializers.BooleanField(help_text="none of its runs is taken up")
    input = serializers.DictField()


class HoldOutput(serializers.Serializer[Any]):
    """A workflow or a queue, and whether its runs are taken up."""

    name = serializers.CharField(source="key", help_text="workflow:NAME or queue:NAME")
    is_paused = serializers.BooleanField(source="is_on")
    changed_at = serializers.DateTimeField()
    changed_by = serializers.CharField()


class ReplayInput(Input):
    """From where to replay a run, and with what; both may be left out."""

    from_step = serializers.CharField(required=False, default="", allow_blank=True)
    input = serializers.DictField(required=False, allow_null=True, default=None)


class RunSummary(serializers.Serializer[Any]):
    """A run in a list."""

    id = serializers.CharField(source="public_id")
    workflow = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RunStatus.choices)
    actor = serializers.CharField()
    progress = ProgressOutput(source="*")
    error = ErrorOutput(allow_null=True)
    reason = serializers.CharField(help_text="why it was skipped")
    blocked_by = serializers.CharField(help_text="the limit that it waits for")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    dismissed_at = serializers.DateTimeField(allow_null=True)


class RunOutput(RunSummary):
    """A run with its steps and what it gave."""

    input = serializers.JSONField()
    output = serializers.JSONField(allow_null=True)
    parent_run = serializers.SerializerMethodField()
    replay_of = serializers.SerializerMethodField()
    children_by_status = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()

    def to_representation(self, run: Run) -> dict[str, Any]:
        in_order = Prefetch("steps", queryset=Step.objects.order_by("started_at"))
        prefetch_related_objects([run], in_order)
        return super().to_representation(run)

    @extend_schema_field(OpenApiTypes.STR)
    def get_parent_run(self, run: Run) -> str | None:
        return encode(Run.id_prefix, run.parent_id) if run.parent_id else None

    @extend_schema_field(OpenApiTypes.STR)
    def get_replay_of(self, run: Run) -> str | None:
        return encode(Run.id_prefix, run.replay_of_id) if run.replay_of_id else None

    def get_children_by_status(self, run: Run) -> dict[str, int]:
        """How many runs it started, by status."""
        has_children = any(step.kind == StepKind.CHILDREN for step in run.steps.all())
        return count_children(run) if has_children else {}

    def get_steps(self, run: Run) -> list[dict[str, Any]]:
        return list(StepOutput(run.steps.all(), many=True).data)

"""How a run is answered over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs.models import Run
from jobs.states import RunStatus, StepKind, StepStatus


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


class RunSummary(serializers.Serializer[Any]):
    """A run in a list."""

    id = serializers.CharField(source="public_id")
    workflow = serializers.CharField()
    status = serializers.ChoiceField(choices=RunStatus.choices)
    actor = serializers.CharField()
    progress = ProgressOutput(source="*")
    error = ErrorOutput(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class RunOutput(RunSummary):
    """A run with its steps and what it gave."""

    input = serializers.JSONField()
    output = serializers.JSONField(allow_null=True)
    steps = serializers.SerializerMethodField()

    def get_steps(self, run: Run) -> list[dict[str, Any]]:
        return list(StepOutput(run.steps.order_by("started_at"), many=True).data)

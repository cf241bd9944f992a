"""Runs and workflows over HTTP. Whoever got a `Location` from a 202 asks here how it goes."""

from __future__ import annotations

from typing import ClassVar

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from core.errors import Refused
from jobs import catalogue, holds
from jobs.actions import cancel_run, dismiss_run, pause_run, replay_run, resume_run, retry_run
from jobs.models import Run, RunQuerySet
from jobs.serializers import HoldOutput, ReplayInput, RunOutput, RunSummary, WorkflowOutput
from jobs.states import RunStatus


class RunListView(APIView):
    """All runs."""

    required_scopes: ClassVar = {"GET": "runs:read"}
    required_permissions: ClassVar = {"GET": "jobs.view_run"}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="runs_list",
        responses=RunSummary(many=True),
        parameters=[
            OpenApiParameter("workflow", str, description="Only runs of this workflow."),
            OpenApiParameter("status", str, enum=RunStatus.values, description="Only such runs."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        page = CursorPage()
        rows = page.paginate_queryset(chosen(request), request, self)
        return page.get_paginated_response(RunSummary(rows, many=True).data)


def chosen(request: Request) -> RunQuerySet:
    """Return the runs that the query asks for; refuse a status that is none."""
    runs: RunQuerySet = Run.objects.all()
    status = request.query_params.get("status", "")
    if status and status not in RunStatus.values:
        raise Refused(
            f"There is no status {status!r}.",
            field="status",
            value=status,
            remedy=f"Ask for one of {', '.join(RunStatus.values)}.",
        )
    if status:
        runs = runs.filter(status=status)
    workflow = request.query_params.get("workflow", "")
    return runs.filter(workflow=workflow) if workflow else runs


class RunView(APIView):
    """One run."""

    required_scopes: ClassVar = {"GET": "runs:read"}
    required_permissions: ClassVar = {"GET": "jobs.view_run"}

    @extend_schema(operation_id="runs_read", responses=RunOutput)
    def get(self, request: Request, run_id: str) -> Response:
        """Read a run with its steps."""
        run = Run.from_public_id(run_id)
        headers = {} if run.is_over else {"Retry-After": "2"}
        return Response(RunOutput(run).data, headers=headers)


class CancelView(APIView):
    """Ends a run."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.cancel_run"}

    @extend_schema(operation_id="runs_cancel", request=None, responses=RunOutput)
    @idempotent
    def post(self, request: Request, run_id: str) -> Response:
        """Cancel a run, at once or at its next checkpoint; 409 when it is over."""
        run = cancel_run(Run.from_public_id(run_id), actor=actor_of(request))
        return Response(RunOutput(run).data)


class RetryView(APIView):
    """Puts a failed run back in the queue."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.retry_run"}

    @extend_schema(operation_id="runs_retry", request=None, responses={202: RunOutput})
    @idempotent
    def post(self, request: Request, run_id: str) -> Response:
        """Retry a failed run from the step that failed; 409 unless it is failed."""
        return accepted(retry_run(Run.from_public_id(run_id), actor=actor_of(request)))


class ReplayView(APIView):
    """Starts what once ran over again."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.retry_run"}

    @extend_schema(operation_id="runs_replay", request=ReplayInput, responses={202: RunOutput})
    @idempotent
    def post(self, request: Request, run_id: str) -> Response:
        """Start a new run of what ran, from its start or from a step, also with other input; 409 unless it is over."""
        wish = ReplayInput(data=request.data)
        wish.is_valid(raise_exception=True)
        run = Run.from_public_id(run_id)
        return accepted(replay_run(run, actor=actor_of(request), **wish.validated_data))


class PauseView(APIView):
    """Lets a run rest."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.pause_run"}

    @extend_schema(operation_id="runs_pause", request=None, responses=RunOutput)
    @idempotent
    def post(self, request: Request, run_id: str) -> Response:
        """Pause a run, at once or at its next checkpoint; 409 when it is over or paused."""
        run = pause_run(Run.from_public_id(run_id), actor=actor_of(request))
        return Response(RunOutput(run).data)


class ResumeView(APIView):
    """Lets a paused run go on."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.pause_run"}

    @extend_schema(operation_id="runs_resume", request=None, responses={202: RunOutput})
    @idempotent
    def post(self, request: Request, run_id: str) -> Response:
        """Resume a paused run; what it waits for is looked at anew. 409 unless it is paused."""
        return accepted(resume_run(Run.from_public_id(run_id), actor=actor_of(request)))


class DismissView(APIView):
    """Says of a failed run that it may stay so."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.retry_run"}

    @extend_schema(operation_id="runs_dismiss", request=None, responses=RunOutput)
    @idempotent
    def post(self, request: Request, run_id: str) -> Response:
        """Take a failed run from the list of those that wait for a person; 409 unless it stands there."""
        run = dismiss_run(Run.from_public_id(run_id), actor=actor_of(request))
        return Response(RunOutput(run).data)


class WorkflowListView(APIView):
    """All workflows."""

    required_scopes: ClassVar = {"GET": "runs:read"}
    required_permissions: ClassVar = {"GET": "jobs.view_run"}

    @extend_schema(operation_id="workflows_list", responses=WorkflowOutput(many=True))
    def get(self, request: Request) -> Response:
        """List workflows with what starts them, what holds them back, and the schema of their input."""
        return Response(WorkflowOutput(catalogue.entries(), many=True).data)


class HoldView(APIView):
    """Pauses or resumes a workflow or a queue."""

    required_scopes: ClassVar = {"POST": "runs:control"}
    required_permissions: ClassVar = {"POST": "jobs.pause_run"}


class WorkflowPauseView(HoldView):
    """Pauses a workflow."""

    @extend_schema(operation_id="workflows_pause", request=None, responses=HoldOutput)
    @idempotent
    def post(self, request: Request, name: str) -> Response:
        """Have no run of a workflow taken up, on any machine, until it is resumed; 409 where it is paused."""
        return Response(HoldOutput(holds.pause_workflow(name, actor=actor_of(request))).data)


class WorkflowResumeView(HoldView):
    """Resumes a workflow."""

    @extend_schema(operation_id="workflows_resume", request=None, responses=HoldOutput)
    @idempotent
    def post(self, request: Request, name: str) -> Response:
        """Let the runs of a paused workflow go on; 409 where it is not paused."""
        return Response(HoldOutput(holds.resume_workflow(name, actor=actor_of(request))).data)


class QueuePauseView(HoldView):
    """Pauses a queue."""

    @extend_schema(operation_id="queues_pause", request=None, responses=HoldOutput)
    @idempotent
    def post(self, request: Request, name: str) -> Response:
        """Have no run of a queue taken up, on any machine, until it is resumed; 409 where it is paused."""
        return Response(HoldOutput(holds.pause_queue(name, actor=actor_of(request))).data)


class QueueResumeView(HoldView):
    """Resumes a queue."""

    @extend_schema(operation_id="queues_resume", request=None, responses=HoldOutput)
    @idempotent
    def post(self, request: Request, name: str) -> Response:
        """Let the runs of a paused queue go on; 409 where it is not paused."""
        return Response(HoldOutput(holds.resume_queue(name, actor=actor_of(request))).data)


def accepted(run: Run) -> Response:
    """Answer 202 with where to ask how the run goes."""
    headers = {"Location": f"/api/v1/runs/{run.public_id}", "Retry-After": "2"}
    return Response(RunOutput(run).data, status=202, headers=headers)


routes: list[URLPattern] = [
    path("runs", RunListView.as_view(), name="runs"),
    path("runs/<str:run_id>", RunView.as_view(), name="run"),
    path("runs/<str:run_id>/cancel", CancelView.as_view(), name="run-cancel"),
    path("runs/<str:run_id>/retry", RetryView.as_view(), name="run-retry"),
    path("runs/<str:run_id>/replay", ReplayView.as_view(), name="run-replay"),
    path("runs/<str:run_id>/pause", PauseView.as_view(), name="run-pause"),
    path("runs/<str:run_id>/resume", ResumeView.as_view(), name="run-resume"),
    path("runs/<str:run_id>/dismiss", DismissView.as_view(), name="run-dismiss"),
    path("workflows", WorkflowListView.as_view(), name="workflows"),
    path("workflows/<str:name>/pause", WorkflowPauseView.as_view(), name="workflow-pause"),
    path("workflows/<str:name>/resume", WorkflowResumeView.as_view(), name="workflow-resume"),
    path("queues/<str:name>/pause", QueuePauseView.as_view(), name="queue-pause"),
    path("queues/<str:name>/resume", QueueResumeView.as_view(), name="queue-resume"),
]

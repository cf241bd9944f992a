"""Runs over HTTP: look, cancel, retry. Whoever got a `Location` from a 202 asks here how it goes."""

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
from jobs.actions import cancel_run, retry_run
from jobs.models import Run, RunQuerySet
from jobs.serializers import RunOutput, RunSummary
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
        run = retry_run(Run.from_public_id(run_id), actor=actor_of(request))
        location = f"/api/v1/runs/{run.public_id}"
        headers = {"Location": location, "Retry-After": "2"}
        return Response(RunOutput(run).data, status=202, headers=headers)


routes: list[URLPattern] = [
    path("runs", RunListView.as_view(), name="runs"),
    path("runs/<str:run_id>", RunView.as_view(), name="run"),
    path("runs/<str:run_id>/cancel", CancelView.as_view(), name="run-cancel"),
    path("runs/<str:run_id>/retry", RetryView.as_view(), name="run-retry"),
]

"""What the endpoints of enrichment share: a checked body, a page of rows, an answer that names its run."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pages import CursorPage
from jobs.models import Run


class StartedOutput(serializers.Serializer[Any]):
    """A run that does the rest."""

    run = serializers.CharField(source="public_id")


ACCEPTED = OpenApiResponse(
    StartedOutput, description="Under way; `Location` is the run, to be asked after `Retry-After`."
)


def accepted(run: Run) -> Response:
    headers = {"Location": f"/api/v1/runs/{run.public_id}", "Retry-After": "2"}
    return Response(StartedOutput(run).data, status=202, headers=headers)


def validated(serializer: Any) -> dict[str, Any]:
    """Return the checked body; an invalid one is a 400 that names every bad value."""
    serializer.is_valid(raise_exception=True)
    body: dict[str, Any] = serializer.validated_data
    return body


def page_of(rows: QuerySet[Any], output: Any, request: Request, view: Any) -> Response:
    page = CursorPage()
    found = page.paginate_queryset(rows, request, view) or []
    return page.get_paginated_response(output(found, many=True).data)

"""Imports over HTTP: parse, check scope, call the same actions as the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from core.errors import NotAllowed, Refused
from core.models import ApiKey
from imports import actions, targets
from imports.access import may_fill
from imports.downloads import error_file_answer
from imports.models import CsvBatch, CsvRow
from imports.previewing import known_columns
from imports.serializers import (
    BatchOutput,
    BatchSummary,
    MappingInput,
    PreviewOutput,
    ReadingInput,
    RowOutput,
    TargetOutput,
    UploadInput,
    run_url,
)
from imports.states import BatchStatus, Go, RowStatus
from imports.uploading import receive_into, received_file

ACCEPTED = OpenApiResponse(
    BatchOutput, description="Under way; `Location` is the run, to be asked after `Retry-After`."
)
READS = ("encoding", "delimiter", "sheet", "header_line")
Verb = Callable[..., Any]


def batches() -> QuerySet[CsvBatch]:
    """Return imports with all that an answer shows of them."""
    return CsvBatch.objects.select_related("file", "run", "parent")


def answer(batch: CsvBatch, *, status: int = 200, location: str = "") -> Response:
    """Answer with the import as it is in the database now."""
    body = BatchOutput(batches().get(pk=batch.pk)).data
    headers = {"Location": location} if location else {}
    if status == 202:
        headers["Retry-After"] = "2"
    return Response(body, status=status, headers=headers)


def accepted(batch: CsvBatch) -> Response:
    """Answer that a run does the rest."""
    batch.refresh_from_db()
    return answer(batch, status=202, location=run_url(batch) or "")


class LookingView(APIView):
    """What may be asked of imports."""

    required_scopes: ClassVar = {"GET": "imports:read"}
    required_permissions: ClassVar = {"GET": "imports.view_csvbatch"}


class PreparingView(APIView):
    """What is said before an import starts."""

    required_scopes: ClassVar = {"POST": "imports:write", "PUT": "imports:write"}
    required_permissions: ClassVar = {
        "POST": "imports.add_csvbatch",
        "PUT": "imports.add_csvbatch",
    }


class RunningView(APIView):
    """What starts an import, and what is done to one that has started."""

    required_scopes: ClassVar = {"POST": "imports:run"}
    required_permissions: ClassVar = {"POST": "imports.run_csvbatch"}


class TargetListView(LookingView):
    """What rows can become."""

    pagination_class = None

    @extend_schema(operation_id="import_targets_list", responses=TargetOutput(many=True))
    def get(self, request: Request) -> Response:
        """List what rows can become, with fields, options and match keys."""
        return Response(TargetOutput(targets.all_targets(), many=True).data)


class ImportListView(APIView):
    """All imports; new ones."""

    required_scopes: ClassVar = {"GET": "imports:read", "POST": "imports:write"}
    required_permissions: ClassVar = {
        "GET": "imports.view_csvbatch",
        "POST": "imports.add_csvbatch",
    }
    parser_classes = (MultiPartParser,)
    pagination_class = CursorPage

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Have the file received as imports want it, before anything looks into the body."""
        receive_into(request)
        return super().initialize_request(request, *args, **kwargs)

    @extend_schema(
        operation_id="imports_list",
        responses=BatchSummary(many=True),
        parameters=[
            OpenApiParameter("status", str, enum=BatchStatus.values, description="Only such."),
            OpenApiParameter("target", str, description="Only into this target."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List imports, newest first."""
        page = CursorPage()
        found = filtered(batches(), request, status=BatchStatus.values, target=None)
        rows = page.paginate_queryset(found, request, self) or []
        return page.get_paginated_response(BatchSummary(rows, many=True).data)

    @extend_schema(
        operation_id="imports_create",
        request={"multipart/form-data": UploadInput},
        responses={202: ACCEPTED},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Take a file, up to 512 MB. It answers when the last byte has come; a run reads the file."""
        given = validated(UploadInput(data=request.data))
        target = targets.get(given.pop("target"))
        may_import(request, target, go=given["go"])
        file = received_file({"file": given.pop("file")})
        overrides = {name: given.pop(name) for name in READS if name in given}
        batch = actions.create_batch(
            file.keep(),
            target=target.name,
            file_name=file.name,
            overrides=overrides,
            inspect=False,
            actor=actor_of(request),
            **given,
        )
        return accepted(batch)


class ImportView(LookingView):
    """One import."""

    @extend_schema(operation_id="imports_read", responses=BatchOutput)
    def get(self, request: Request, import_id: str) -> Response:
        """Read an import: its status, its counts, its rate and the time left."""
        batch = CsvBatch.from_public_id(import_id)
        found = answer(batch)
        if batch.is_moving:
            found.headers["Retry-After"] = "2"
        return found


class PreviewView(LookingView):
    """How a file is read."""

    @extend_schema(operation_id="imports_preview", responses=PreviewOutput)
    def get(self, request: Request, import_id: str) -> Response:
        """Show the headings, the first 100 rows, and what the columns probably mean."""
        batch = CsvBatch.from_public_id(import_id)
        preview = {
            "layout": batch.layout,
            "header": batch.header,
            "rows": [{"line": line, "cells": cells} for line, cells, *_ in batch.sample],
            "columns": known_columns(batch),
        }
        return Response(PreviewOutput(preview).data)


class RowListView(LookingView):
    """What became of the rows."""

    pagination_class = CursorPage

    @extend_schema(
        operation_id="imports_rows",
        responses=RowOutput(many=True),
        parameters=[
            OpenApiParameter("status", str, enum=RowStatus.values, description="Only such rows."),
            OpenApiParameter("error_code", str, description="Only rows with this error."),
        ],
    )
    def get(self, request: Request, import_id: str) -> Response:
        """List the rows that have been dealt with, last first."""
        rows = CsvRow.objects.filter(batch=CsvBatch.from_public_id(import_id))
        page = CursorPage()
        page.ordering = "-number"  # unique within an import
        found = filtered(rows, request, status=RowStatus.values, error_code=None)
        shown = page.paginate_queryset(found, request, self)
        return page.get_paginated_response(RowOutput(shown, many=True).data)


class ErrorFileView(LookingView):
    """The rows to correct."""

    @extend_schema(
        operation_id="imports_error_file",
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[
            OpenApiParameter("warnings", bool, description="Rows with values left out as well.")
        ],
    )
    def get(self, request: Request, import_id: str) -> StreamingHttpResponse:
        """Download the rows that failed, in the file's own columns and with the reason, to be corrected."""
        batch = CsvBatch.from_public_id(import_id)
        wanted = request.query_params.get("warnings", "").lower()
        return error_file_answer(batch, with_warnings=wanted in ("1", "true"))


class ReadingView(PreparingView):
    @extend_schema(operation_id="imports_reading", request=ReadingInput, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Say how the file is to be read, where the guess is wrong; it is read anew."""
        batch = batch_for(request, import_id)
        given = validated(ReadingInput(data=request.data))
        actions.overrule(batch, actor=actor_of(request), **given)
        return accepted(batch)


class MappingView(PreparingView):
    @extend_schema(operation_id="imports_mapping", request=MappingInput, responses=BatchOutput)
    def put(self, request: Request, import_id: str) -> Response:
        """Say what the columns mean and what is done with the rows; all of it or nothing."""
        batch = batch_for(request, import_id)
        given = validated(MappingInput(data=request.data))
        columns = given.pop("columns", None)
        actor = actor_of(request)
        with transaction.atomic():
            if given:
                actions.change_settings(batch, actor=actor, **given)
            if columns is not None:
                actions.set_mapping(batch, columns, actor=actor)
        return answer(batch)


class DryRunView(PreparingView):
    @extend_schema(operation_id="imports_dry_run", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Check every row and count what the import would do; nothing is changed."""
        batch = batch_for(request, import_id)
        actions.start_check(batch, actor=actor_of(request))
        return accepted(batch)


class ConfirmView(RunningView):
    @extend_schema(operation_id="imports_confirm", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Start the import."""
        batch = batch_for(request, import_id)
        actions.start_batch(batch, actor=actor_of(request))
        return accepted(batch)


class PauseView(RunningView):
    @extend_schema(operation_id="imports_pause", request=None, responses=BatchOutput)
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Stop before the next row, until it is resumed."""
        batch = CsvBatch.from_public_id(import_id)
        actions.pause_batch(batch, actor=actor_of(request))
        return answer(batch)


class ResumeView(RunningView):
    @extend_schema(operation_id="imports_resume", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Go on with the next row."""
        batch = batch_for(request, import_id)
        actions.resume_batch(batch, actor=actor_of(request))
        return accepted(batch)


class CancelView(RunningView):
    @extend_schema(operation_id="imports_cancel", request=None, responses=BatchOutput)
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Stop before the next row, for good; rows already imported stay."""
        batch = CsvBatch.from_public_id(import_id)
        actions.cancel_batch(batch, actor=actor_of(request))
        return answer(batch)


class RetryFailedView(RunningView):
    @extend_schema(operation_id="imports_retry_failed", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Try the failed rows again, in an import of their own; the answer is that import."""
        batch = batch_for(request, import_id)
        return accepted(actions.retry_failed(batch, actor=actor_of(request)))


class UndoView(APIView):
    """Takes an import back."""

    required_scopes: ClassVar = {"POST": "imports:undo"}
    required_permissions: ClassVar = {"POST": "imports.undo_csvbatch"}

    @extend_schema(operation_id="imports_undo", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, import_id: str) -> Response:
        """Take back what the import wrote, but for what was edited since."""
        batch = batch_for(request, import_id)
        actions.undo_batch(batch, actor=actor_of(request))
        return accepted(batch)


def batch_for(request: Request, import_id: str) -> CsvBatch:
    """Return an import that this caller may have written by its target's rules too."""
    batch = CsvBatch.from_public_id(import_id)
    may_import(request, targets.get(batch.target))
    return batch


def may_import(request: Request, target: targets.Target, *, go: str = Go.WAIT) -> None:
    """Raise NotAllowed where staff may not fill this target, or a caller may not start what they upload."""
    is_key = isinstance(request.auth, ApiKey)
    if not is_key:
        may_fill(request.user, target)
    may_run = (
        "imports:run" in request.auth.scopes
        if isinstance(request.auth, ApiKey)
        else request.user.has_perm("imports.run_csvbatch")
    )
    if go == Go.IMPORT and not may_run:
        raise NotAllowed(
            "You may upload, but not start an import.",
            field="go",
            value=go,
            remedy="Send go=check, or use a key with the scope imports:run.",
        )


def filtered(rows: Any, request: Request, **names: list[str] | None) -> Any:
    """Return the rows that the query asks for; refuse a value that is none of its choices."""
    for name, choices in names.items():
        value = request.query_params.get(name, "")
        if value and choices is not None and value not in choices:
            raise Refused(
                f"There is no {name} {value!r}.",
                field=name,
                value=value,
                remedy=f"Ask for one of {', '.join(choices)}.",
            )
        rows = rows.filter(**{name: value}) if value else rows
    return rows


def validated(serializer: Any) -> dict[str, Any]:
    """Return the checked body; an invalid one is a 400 that names every bad value."""
    serializer.is_valid(raise_exception=True)
    body: dict[str, Any] = serializer.validated_data
    return body


routes: list[URLPattern] = [
    path("import-targets", TargetListView.as_view()),
    path("imports", ImportListView.as_view()),
    path("imports/<str:import_id>", ImportView.as_view()),
    path("imports/<str:import_id>/preview", PreviewView.as_view()),
    path("imports/<str:import_id>/rows", RowListView.as_view()),
    path("imports/<str:import_id>/error-file", ErrorFileView.as_view()),
    path("imports/<str:import_id>/reading", ReadingView.as_view()),
    path("imports/<str:import_id>/mapping", MappingView.as_view()),
    path("imports/<str:import_id>/dry-run", DryRunView.as_view()),
    path("imports/<str:import_id>/confirm", ConfirmView.as_view()),
    path("imports/<str:import_id>/pause", PauseView.as_view()),
    path("imports/<str:import_id>/resume", ResumeView.as_view()),
    path("imports/<str:import_id>/cancel", CancelView.as_view()),
    path("imports/<str:import_id>/retry-failed", RetryFailedView.as_view()),
    path("imports/<str:import_id>/undo", UndoView.as_view()),
]

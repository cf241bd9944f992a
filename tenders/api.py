"""Tenders over HTTP: parse, check scope, call the same actions and the same search as every other door."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.http import StreamingHttpResponse
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from core.errors import NotFound, Refused
from jobs.models import Run
from tenders import actions, exporting
from tenders.actions.sources import find_source
from tenders.enriching.workflows import today_of
from tenders.finding import matching
from tenders.models import SyncWindow, Tender, TenderSource
from tenders.ranges import read_range
from tenders.serializers import (
    CloseInput,
    EnrichDaysInput,
    EnrichInput,
    RunStartedOutput,
    SourceOutput,
    SyncInput,
    TenderFilter,
    TenderOutput,
    TenderWholeOutput,
    WindowOutput,
)
from tenders.states import GAPS

ACCEPTED = OpenApiResponse(
    RunStartedOutput,
    description="Under way; `Location` is the run, to be asked after `Retry-After`.",
)


def found(request: Request) -> QuerySet[Tender]:
    """Return the tenders that a request's parameters ask for."""
    given = TenderFilter(data={k: v for k, v in request.query_params.items() if k not in PAGING})
    given.is_valid(raise_exception=True)
    return matching(given.criteria())


PAGING = ("cursor", "limit", "as")


class TenderListView(APIView):
    """All tenders."""

    required_scopes: ClassVar = {"GET": "tenders:read"}
    required_permissions: ClassVar = {"GET": "tenders.view_tender"}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="tenders_list", parameters=[TenderFilter], responses=TenderOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        """List tenders, the newest first; several values in one parameter are alternatives."""
        page = CursorPage()
        light = found(request).select_related("source").defer("compiled", "words", "description")
        rows = page.paginate_queryset(light, request, self) or []
        return page.get_paginated_response(TenderOutput(rows, many=True).data)


class TenderView(APIView):
    """One tender."""

    required_scopes: ClassVar = {"GET": "tenders:read"}
    required_permissions: ClassVar = {"GET": "tenders.view_tender"}

    @extend_schema(operation_id="tenders_read", responses=TenderWholeOutput)
    def get(self, request: Request, tender_id: str) -> Response:
        """Read a tender: compiled, release by release, and what changed when. Its id or its ocid names it."""
        return Response(TenderWholeOutput(find_tender(tender_id)).data)


def find_tender(text: str) -> Tender:
    """Return the tender of a public id or an ocid; raise NotFound."""
    tender = Tender.objects.of_processes([text]).order_by("pk").first()
    if tender is None and text.startswith(f"{Tender.id_prefix}_"):
        tender = Tender.from_public_id(text)
    if tender is None:
        raise NotFound(f"There is no tender {text!r}.", value=text)
    return tender


class ExportView(APIView):
    """Many tenders at once."""

    required_scopes: ClassVar = {"GET": "tenders:read"}
    required_permissions: ClassVar = {"GET": "tenders.export_tender"}

    @extend_schema(
        operation_id="tenders_export",
        parameters=[TenderFilter],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return all that match as CSV, or with `as=ocds` as one release package of compiled releases."""
        form = request.query_params.get("as", "csv")
        if form not in ("csv", "ocds"):
            raise Refused(
                f"There is no form {form!r}.", field="as", value=form, remedy="Choose csv or ocds."
            )
        if form == "ocds":
            return attached(
                exporting.package_parts(found(request)), "application/json", "tenders.json"
            )
        return attached(
            exporting.csv_lines(found(request)), "text/csv; charset=utf-8", "tenders.csv"
        )


def attached(parts: Any, content_type: str, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(parts, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# --- sources -------------------------------------------------------------------------------------


def sources() -> QuerySet[TenderSource]:
    """Return sources with the number of their gaps."""
    gaps = Count("windows", filter=Q(windows__status__in=GAPS))
    return TenderSource.objects.annotate(open_windows=gaps)


class SourceListView(APIView):
    """All sources."""

    required_scopes: ClassVar = {"GET": "tenders:read"}
    required_permissions: ClassVar = {"GET": "tenders.view_tendersource"}

    @extend_schema(operation_id="tender_sources_list", responses=SourceOutput(many=True))
    def get(self, request: Request) -> Response:
        """List the sources, with how far each is proven complete."""
        return Response(SourceOutput(sources().order_by("key"), many=True).data)


class SyncView(APIView):
    """A sync of a source."""

    required_scopes: ClassVar = {"POST": "tenders:sync"}
    required_permissions: ClassVar = {"POST": "tenders.sync_tendersource"}

    @extend_schema(operation_id="tender_sources_sync", request=SyncInput, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, source: str) -> Response:
        """Bring a source up to date, or fetch a range of it; a 409 while it is being synced."""
        wanted = find_source(source)
        given = SyncInput(data=request.data or {})
        given.is_valid(raise_exception=True)
        wish, actor = given.validated_data, actor_of(request)
        number = wish["max_enrichment"]
        if not (wish["from"] or wish["to"]):
            return started(actions.request_sync(wanted, actor=actor, max_enrichment=number))
        start, end = read_range(wanted, wish["from"], wish["to"])
        return started(
            actions.request_backfill(
                wanted, start=start, end=end, actor=actor, max_enrichment=number
            )
        )


def started(run: Run | None) -> Response:
    """Answer that a run does the rest."""
    if run is None:
        return Response({"run": None}, status=202)
    headers = {"Location": f"/api/v1/runs/{run.public_id}", "Retry-After": "2"}
    return Response({"run": run.public_id}, status=202, headers=headers)


class EnrichView(APIView):
    """The enrichment of one tender."""

    required_scopes: ClassVar = {"POST": "tenders:enrich"}
    required_permissions: ClassVar = {"POST": "tenders.enrich_tender"}

    @extend_schema(operation_id="tenders_enrich", request=EnrichInput, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, tender_id: str) -> Response:
        """Look one tender up, or have it classified; with `force` once more."""
        given = EnrichInput(data=request.data or {})
        given.is_valid(raise_exception=True)
        force, actor = given.validated_data["force"], actor_of(request)
        tender = find_tender(tender_id)
        return started(actions.request_enrichment([tender], actor=actor, force=force))


class EnrichDaysView(APIView):
    """The enrichment of days."""

    required_scopes: ClassVar = {"POST": "tenders:enrich"}
    required_permissions: ClassVar = {"POST": "tenders.enrich_tender"}

    @extend_schema(
        operation_id="tender_sources_enrich", request=EnrichDaysInput, responses={202: ACCEPTED}
    )
    @idempotent
    def post(self, request: Request, source: str) -> Response:
        """Enrich what lacks a detailed category of today, or of a range of days, the newest first."""
        wanted = find_source(source)
        given = EnrichDaysInput(data=request.data or {})
        given.is_valid(raise_exception=True)
        wish = given.validated_data
        has_range = wish["from"] or wish["to"]
        span = read_range(wanted, wish["from"], wish["to"]) if has_range else today_of(wanted)
        return started(
            actions.request_enrichment_of(
                wanted,
                start=span[0],
                end=span[1],
                actor=actor_of(request),
                most=wish["max_enrichment"],
            )
        )


class WindowListView(APIView):
    """The windows of a source."""

    required_scopes: ClassVar = {"GET": "tenders:read"}
    required_permissions: ClassVar = {"GET": "tenders.view_syncwindow"}
    pagination_class = CursorPage

    @extend_schema(operation_id="tender_windows_list", responses=WindowOutput(many=True))
    def get(self, request: Request, source: str) -> Response:
        """List the windows of a source, the newest first."""
        page = CursorPage()
        rows = page.paginate_queryset(
            SyncWindow.objects.filter(source=find_source(source)), request, self
        )
        return page.get_paginated_response(WindowOutput(rows or [], many=True).data)


class CloseWindowView(APIView):
    """The end of a gap that nobody can fill."""

    required_scopes: ClassVar = {"POST": "tenders:sync"}
    required_permissions: ClassVar = {"POST": "tenders.close_tendersource"}

    @extend_schema(operation_id="tender_windows_close", request=CloseInput, responses=WindowOutput)
    @idempotent
    def post(self, request: Request, window_id: str) -> Response:
        """Give a window up, with a reason; the source's cursor passes it."""
        window = SyncWindow.from_public_id(window_id)
        given = CloseInput(data=request.data)
        given.is_valid(raise_exception=True)
        reason = given.validated_data["reason"]
        closed = actions.close_window(window, reason=reason, actor=actor_of(request))
        return Response(WindowOutput(closed).data)


routes: list[URLPattern] = [
    path("tenders", TenderListView.as_view()),
    path("tenders/export", ExportView.as_view()),
    path("tenders/<str:tender_id>", TenderView.as_view()),
    path("tenders/<str:tender_id>/enrich", EnrichView.as_view()),
    path("tender-sources", SourceListView.as_view()),
    path("tender-sources/<str:source>/sync", SyncView.as_view()),
    path("tender-sources/<str:source>/enrich", EnrichDaysView.as_view()),
    path("tender-sources/<str:source>/windows", WindowListView.as_view()),
    path("tender-windows/<str:window_id>/close", CloseWindowView.as_view()),
]

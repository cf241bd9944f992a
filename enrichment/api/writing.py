"""Queries and briefs over HTTP."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.audit import actor_of
from enrichment.actions.writing import create_brief, draft_brief, generate_queries
from enrichment.api.answers import ACCEPTED, accepted, page_of, validated
from enrichment.briefs import cost_of_brief
from enrichment.models import SANDBOX, AiCall, Brief, Client
from enrichment.serializers import (
    BriefCostOutput,
    BriefInput,
    BriefOutput,
    QueriesInput,
    QueryOutput,
)


def briefs() -> QuerySet[Brief]:
    """Return briefs with all that an answer shows of them."""
    made_up = AiCall.objects.filter(run=OuterRef("run"), provider=SANDBOX)
    return Brief.objects.select_related("client", "run").annotate(is_made_up=Exists(made_up))


class QueryListView(APIView):
    """The queries of a client."""

    required_scopes: ClassVar = {"GET": "clients:read", "POST": "clients:enhance"}
    required_permissions: ClassVar = {
        "GET": "enrichment.view_searchquery",
        "POST": "enrichment.write_brief",
    }

    @extend_schema(operation_id="queries_list", responses=QueryOutput(many=True))
    def get(self, request: Request, client_id: str) -> Response:
        """List them, newest first."""
        queries = Client.from_public_id(client_id).queries.select_related("call")
        return page_of(queries, QueryOutput, request, self)

    @extend_schema(operation_id="queries_generate", request=QueriesInput, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, client_id: str) -> Response:
        """Have queries written: one call per keyword."""
        client = Client.from_public_id(client_id)
        wish = validated(QueriesInput(data=request.data))
        return accepted(generate_queries(client, **wish, actor=actor_of(request)))


class BriefListView(APIView):
    """All briefs; new ones."""

    required_scopes: ClassVar = {"GET": "clients:read", "POST": "clients:enhance"}
    required_permissions: ClassVar = {
        "GET": "enrichment.view_brief",
        "POST": "enrichment.write_brief",
    }

    @extend_schema(operation_id="briefs_list", responses=BriefOutput(many=True))
    def get(self, request: Request) -> Response:
        """List briefs, newest first."""
        return page_of(briefs(), BriefOutput, request, self)

    @extend_schema(operation_id="briefs_create", request=BriefInput, responses={202: BriefOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Have a brief written: researched per platform, outlined, written."""
        brief = create_brief(**validated(BriefInput(data=request.data)), actor=actor_of(request))
        assert brief.run is not None
        place = {"Location": f"/api/v1/runs/{brief.run.public_id}", "Retry-After": "2"}
        return Response(BriefOutput(brief).data, status=202, headers=place)


class BriefCostView(APIView):
    """What a brief costs."""

    required_scopes: ClassVar = {"POST": "clients:read"}
    required_permissions: ClassVar = {"POST": "enrichment.view_brief"}

    @extend_schema(operation_id="briefs_estimate", request=BriefInput, responses=BriefCostOutput)
    def post(self, request: Request) -> Response:
        """Say what such a brief costs at most; asks nobody and keeps nothing."""
        brief = draft_brief(**validated(BriefInput(data=request.data)))
        return Response(BriefCostOutput(cost_of_brief(brief)).data)


class BriefView(APIView):
    """One brief."""

    required_scopes: ClassVar = {"GET": "clients:read"}
    required_permissions: ClassVar = {"GET": "enrichment.view_brief"}

    @extend_schema(operation_id="briefs_read", responses=BriefOutput)
    def get(self, request: Request, brief_id: str) -> Response:
        """Read a brief."""
        brief = Brief.from_public_id(brief_id)
        return Response(BriefOutput(briefs().get(pk=brief.pk)).data)


routes: list[URLPattern] = [
    path("clients/<str:client_id>/queries", QueryListView.as_view()),
    path("briefs", BriefListView.as_view()),
    path("briefs/estimate", BriefCostView.as_view()),
    path("briefs/<str:brief_id>", BriefView.as_view()),
]

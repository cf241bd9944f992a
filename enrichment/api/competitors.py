"""Competitors of clients over HTTP."""

from __future__ import annotations

from typing import ClassVar

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.audit import actor_of
from enrichment.actions.clients import add_competitor, dismiss_competitor
from enrichment.api.answers import page_of, validated
from enrichment.models import Client, Competitor
from enrichment.serializers import CompetitorInput, CompetitorOutput


class CompetitorListView(APIView):
    """The competitors of a client."""

    required_scopes: ClassVar = {"GET": "clients:read", "POST": "clients:write"}
    required_permissions: ClassVar = {
        "GET": "enrichment.view_competitor",
        "POST": "enrichment.add_competitor",
    }

    @extend_schema(operation_id="competitors_list", responses=CompetitorOutput(many=True))
    def get(self, request: Request, client_id: str) -> Response:
        """List them, those that were dismissed included."""
        found = Client.from_public_id(client_id).competitors.select_related("client", "call")
        return page_of(found, CompetitorOutput, request, self)

    @extend_schema(
        operation_id="competitors_add", request=CompetitorInput, responses={201: CompetitorOutput}
    )
    @idempotent
    def post(self, request: Request, client_id: str) -> Response:
        """Name one by hand; one that AI had named becomes yours."""
        given = validated(CompetitorInput(data=request.data))
        client = Client.from_public_id(client_id)
        competitor = add_competitor(client, **given, actor=actor_of(request))
        return Response(CompetitorOutput(competitor).data, status=201)


class DismissView(APIView):
    """Saying that it is none."""

    required_scopes: ClassVar = {"POST": "clients:write"}
    required_permissions: ClassVar = {"POST": "enrichment.change_competitor"}

    @extend_schema(operation_id="competitors_dismiss", request=None, responses=CompetitorOutput)
    @idempotent
    def post(self, request: Request, competitor_id: str) -> Response:
        """Say that it is none; it does not come back with the next answer."""
        competitor = Competitor.from_public_id(competitor_id)
        dismiss_competitor(competitor, actor=actor_of(request))
        return Response(CompetitorOutput(competitor).data)


routes: list[URLPattern] = [
    path("clients/<str:client_id>/competitors", CompetitorListView.as_view()),
    path("competitors/<str:competitor_id>/dismiss", DismissView.as_view()),
]

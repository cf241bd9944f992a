"""Saved searches over HTTP: parse, check scope, call the same actions as the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from messaging.models import Contact
from tenders import actions
from tenders.models import SavedSearch
from tenders.search_serializers import (
    CriteriaInput,
    SearchChange,
    SearchInput,
    SearchOutput,
    SearchPreviewOutput,
)

CONTACT = OpenApiParameter("contact", description="Only those of this person, con_….")
WRITE = {"POST": "alerts:write", "PATCH": "alerts:write", "DELETE": "alerts:write"}
MAY_CHANGE = dict.fromkeys(WRITE, "tenders.change_savedsearch")


def answer(search: SavedSearch, *, status: int = 200, headers: Any = None) -> Response:
    """Answer with a search as it is in the database now."""
    fresh = SavedSearch.objects.select_related("contact", "sender").get(pk=search.pk)
    return Response(SearchOutput(fresh).data, status=status, headers=headers)


class SearchListView(APIView):
    """All saved searches; new ones."""

    required_scopes: ClassVar = {"GET": "alerts:read", **WRITE}
    required_permissions: ClassVar = {
        "GET": "tenders.view_savedsearch",
        "POST": "tenders.add_savedsearch",
    }
    pagination_class = CursorPage

    @extend_schema(
        operation_id="tender_searches_list",
        parameters=[CONTACT],
        responses=SearchOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List saved searches, the newest first."""
        found = SavedSearch.objects.select_related("contact", "sender")
        if contact := request.query_params.get("contact"):
            found = found.filter(contact=Contact.from_public_id(contact))
        page = CursorPage()
        rows = page.paginate_queryset(found, request, self) or []
        return page.get_paginated_response(SearchOutput(rows, many=True).data)

    @extend_schema(
        operation_id="tender_searches_create", request=SearchInput, responses={201: SearchOutput}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Save a search for a person who asked for it; it tells them what happens from now on."""
        given = SearchInput(data=request.data)
        given.is_valid(raise_exception=True)
        search = actions.create_search(**given.validated_data, actor=actor_of(request))
        location = f"/api/v1/tender-searches/{search.public_id}"
        return answer(search, status=201, headers={"Location": location})


class SearchView(APIView):
    """One saved search."""

    required_scopes: ClassVar = {"GET": "alerts:read", **WRITE}
    required_permissions: ClassVar = {"GET": "tenders.view_savedsearch", **MAY_CHANGE}

    @extend_schema(operation_id="tender_searches_read", responses=SearchOutput)
    def get(self, request: Request, search_id: str) -> Response:
        """Read a saved search."""
        return answer(SavedSearch.from_public_id(search_id))

    @extend_schema(
        operation_id="tender_searches_update", request=SearchChange, responses=SearchOutput
    )
    def patch(self, request: Request, search_id: str) -> Response:
        """Change the named parts; `criteria` are replaced as a whole."""
        search = SavedSearch.from_public_id(search_id)
        given = SearchChange(data=request.data)
        given.is_valid(raise_exception=True)
        return answer(
            actions.update_search(search, actor=actor_of(request), **given.validated_data)
        )

    @extend_schema(operation_id="tender_searches_end", responses={200: SearchOutput})
    def delete(self, request: Request, search_id: str) -> Response:
        """End it at its owner's wish; what was told stays on record. A second time changes nothing."""
        search = SavedSearch.from_public_id(search_id)
        actions.end_search(search, actor=actor_of(request))
        return answer(search)


class PauseView(APIView):
    """A rest."""

    required_scopes: ClassVar = WRITE
    required_permissions: ClassVar = MAY_CHANGE

    @extend_schema(
        operation_id="tender_searches_pause", request=None, responses={200: SearchOutput}
    )
    @idempotent
    def post(self, request: Request, search_id: str) -> Response:
        """Let it neither look nor write; what happens meanwhile is not told later."""
        search = SavedSearch.from_public_id(search_id)
        actions.pause_search(search, actor=actor_of(request))
        return answer(search)


class ResumeView(APIView):
    """The end of a rest."""

    required_scopes: ClassVar = WRITE
    required_permissions: ClassVar = MAY_CHANGE

    @extend_schema(
        operation_id="tender_searches_resume", request=None, responses={200: SearchOutput}
    )
    @idempotent
    def post(self, request: Request, search_id: str) -> Response:
        """Let it go on from now; one that its owner ended stays ended."""
        search = SavedSearch.from_public_id(search_id)
        actions.resume_search(search, actor=actor_of(request))
        return answer(search)


class PreviewView(APIView):
    """A look before saving."""

    required_scopes: ClassVar = {"POST": "alerts:read"}
    required_permissions: ClassVar = {"POST": "tenders.view_savedsearch"}

    @extend_schema(
        operation_id="tender_searches_preview",
        request=CriteriaInput,
        responses={200: SearchPreviewOutput},
    )
    def post(self, request: Request) -> Response:
        """Count what a search would find of what is there, and show the newest; nothing is saved."""
        given = CriteriaInput(data=request.data)
        given.is_valid(raise_exception=True)
        found = actions.preview(given.validated_data)
        return Response(SearchPreviewOutput(found).data)


routes: list[URLPattern] = [
    path("tender-searches", SearchListView.as_view()),
    path("tender-searches/preview", PreviewView.as_view()),
    path("tender-searches/<str:search_id>", SearchView.as_view()),
    path("tender-searches/<str:search_id>/pause", PauseView.as_view()),
    path("tender-searches/<str:search_id>/resume", ResumeView.as_view()),
]

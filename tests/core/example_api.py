"""A small API on the foundation's plumbing: notes, which are audit entries in disguise."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path, re_path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.api.problems import UnknownEndpoint
from core.audit import actor_of
from core.errors import Conflict, NotAllowed, NotFound, Refused
from core.models import AuditEntry

REFUSALS = {
    "refused": Refused("The text 'no' is taken.", field="text", value="no", remedy="Say yes."),
    "conflict": Conflict("Somebody was faster."),
    "not_allowed": NotAllowed("You may not."),
    "not_found": NotFound("There is no 'no'."),
}


class LineInput(serializers.Serializer[Any]):
    amount = serializers.IntegerField()


class NoteInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=11)
    lines = LineInput(many=True, required=False)
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["text"] == "whole":
            raise serializers.ValidationError("The note as a whole is wrong.", code="wrong")
        return attrs


class Notes(APIView):
    required_scopes: ClassVar = {"GET": "notes:read", "POST": "notes:write"}
    required_permissions: ClassVar = {
        "GET": "campaigns.view_campaign",
        "POST": "campaigns.add_campaign",
    }

    def get(self, request: Request) -> Response:
        page = CursorPage()
        entries = page.paginate_queryset(AuditEntry.objects.filter(verb="note"), request)
        return page.get_paginated_response([entry.object_type for entry in entries or []])

    @idempotent
    def post(self, request: Request) -> Response:
        note = NoteInput(data=request.data)
        note.is_valid(raise_exception=True)
        text = note.validated_data["text"]
        entry = AuditEntry.objects.create(verb="note", actor=actor_of(request), object_type=text)
        if text in REFUSALS:
            raise REFUSALS[text]
        if text == "boom":
            raise RuntimeError("a secret of the inside")
        return Response({"id": entry.pk}, status=202, headers={"Location": f"/notes/{entry.pk}"})


class Undeclared(APIView):
    """Says nothing of scopes, so it must answer nobody."""

    def get(self, request: Request) -> Response:
        return Response("secret")


urlpatterns = [
    path("api/notes", Notes.as_view()),
    path("api/undeclared", Undeclared.as_view()),
    re_path(r"^api/", UnknownEndpoint.as_view()),
]
handler404 = "core.api.problems.page_not_found"
handler500 = "core.api.problems.server_error"

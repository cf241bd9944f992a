"""Templates over HTTP: write them, look at them as others will, send a test."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from core.errors import NotFound
from messaging.actions.proofs import send_proof
from messaging.actions.templates import create_template, latest_version, save_version
from messaging.models import Proof, Template
from messaging.previews import preview
from messaging.template_serializers import (
    ProofInput,
    ProofOutput,
    TemplateDetailOutput,
    TemplateInput,
    TemplateOutput,
    TemplatePreviewInput,
    TemplatePreviewOutput,
    VersionInput,
    VersionOutput,
)

ON_ITS_WAY = OpenApiResponse(
    ProofOutput, description="On its way; `Location` tells what became of it."
)


class TemplateListView(APIView):
    """All templates; new ones."""

    required_scopes: ClassVar = {"GET": "templates:read", "POST": "templates:write"}
    required_permissions: ClassVar = {
        "GET": "messaging.view_template",
        "POST": "messaging.add_template",
    }
    pagination_class = CursorPage

    @extend_schema(operation_id="templates_list", responses=TemplateOutput(many=True))
    def get(self, request: Request) -> Response:
        """List templates, newest first."""
        page = CursorPage()
        rows = page.paginate_queryset(Template.objects.all(), request, self) or []
        return page.get_paginated_response(TemplateOutput(rows, many=True).data)

    @extend_schema(
        operation_id="templates_create",
        request=TemplateInput,
        responses={201: TemplateDetailOutput},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a template without content; a name that is taken is a 409."""
        given = _given(TemplateInput(data=request.data))
        template = create_template(**given, actor=actor_of(request))
        headers = {"Location": f"/api/v1/templates/{template.public_id}"}
        return Response(TemplateDetailOutput(template).data, status=201, headers=headers)


class TemplateView(APIView):
    """One template."""

    required_scopes: ClassVar = {"GET": "templates:read"}
    required_permissions: ClassVar = {"GET": "messaging.view_template"}

    @extend_schema(operation_id="templates_read", responses=TemplateDetailOutput)
    def get(self, request: Request, template_id: str) -> Response:
        """Read a template with its latest version."""
        return Response(TemplateDetailOutput(Template.from_public_id(template_id)).data)


class VersionView(APIView):
    """The next version of a template."""

    required_scopes: ClassVar = {"POST": "templates:write"}
    required_permissions: ClassVar = {"POST": "messaging.change_template"}

    @extend_schema(
        operation_id="templates_write", request=VersionInput, responses={201: VersionOutput}
    )
    @idempotent
    def post(self, request: Request, template_id: str) -> Response:
        """Save content as the next version; what the latest version says already makes no new one."""
        template = Template.from_public_id(template_id)
        given = _given(VersionInput(data=request.data))
        version = save_version(template, **given, actor=actor_of(request))
        return Response(VersionOutput(version).data, status=201)


class PreviewView(APIView):
    """How the latest version looks to somebody."""

    required_scopes: ClassVar = {"POST": "templates:read"}
    required_permissions: ClassVar = {"POST": "messaging.view_template"}

    @extend_schema(
        operation_id="templates_preview",
        request=TemplatePreviewInput,
        responses=TemplatePreviewOutput,
    )
    def post(self, request: Request, template_id: str) -> Response:
        """Render the latest version for a contact or a sample person; nothing is sent."""
        version = latest_version(Template.from_public_id(template_id))
        given = _given(TemplatePreviewInput(data=request.data or {}))
        shown = preview(version, given.get("contact"), data=given.get("data"))
        return Response(TemplatePreviewOutput(shown).data)


class ProofListView(APIView):
    """Tests of a template."""

    required_scopes: ClassVar = {"POST": "templates:test"}
    required_permissions: ClassVar = {"POST": "messaging.proof_template"}

    @extend_schema(operation_id="templates_test", request=ProofInput, responses={202: ON_ITS_WAY})
    @idempotent
    def post(self, request: Request, template_id: str) -> Response:
        """Send a test of the latest version; it is marked as one, and asks for no consent."""
        template = Template.from_public_id(template_id)
        given = _given(ProofInput(data=request.data))
        proof = send_proof(
            template,
            sender=given["sender"],
            address=given["to"],
            contact=given.get("contact"),
            data=given.get("data"),
            actor=actor_of(request),
        )
        place = f"/api/v1/templates/{template.public_id}/tests/{proof.public_id}"
        headers = {"Location": place, "Retry-After": "2"}
        return Response(ProofOutput(proof).data, status=202, headers=headers)


class ProofView(APIView):
    """One test."""

    required_scopes: ClassVar = {"GET": "templates:read"}
    required_permissions: ClassVar = {"GET": "messaging.view_template"}

    @extend_schema(operation_id="templates_test_read", responses=ProofOutput)
    def get(self, request: Request, template_id: str, test_id: str) -> Response:
        """Read what became of a test."""
        template = Template.from_public_id(template_id)
        proof = Proof.from_public_id(test_id)
        if proof.version.template_id != template.pk:
            raise NotFound(f"There is no {test_id!r} of this template.", value=test_id)
        return Response(ProofOutput(proof).data)


def _given(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    body: dict[str, Any] = serializer.validated_data
    return body


routes: list[URLPattern] = [
    path("templates", TemplateListView.as_view()),
    path("templates/<str:template_id>", TemplateView.as_view()),
    path("templates/<str:template_id>/versions", VersionView.as_view()),
    path("templates/<str:template_id>/preview", PreviewView.as_view()),
    path("templates/<str:template_id>/tests", ProofListView.as_view()),
    path("templates/<str:template_id>/tests/<str:test_id>", ProofView.as_view()),
]

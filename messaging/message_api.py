"""Single messages over HTTP: send one, read its life, list them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from messaging.actions.sending import send_message
from messaging.finding import find_template
from messaging.message_serializers import (
    MessageFilter,
    MessageInput,
    MessageLifeOutput,
    MessageOutput,
)
from messaging.models import Message

ACCEPTED = OpenApiResponse(
    MessageLifeOutput,
    description="Written; `Location` is the message, to be asked after `Retry-After`.",
)


def messages() -> QuerySet[Message]:
    """Return messages with all that an answer shows of them."""
    return Message.objects.select_related(
        "contact", "stream__sender", "stream__template_version__template"
    )


class MessageListView(APIView):
    """All messages; new ones."""

    required_scopes: ClassVar = {"GET": "messages:read", "POST": "messages:send"}
    required_permissions: ClassVar = {
        "GET": "messaging.view_message",
        "POST": "messaging.send_message",
    }
    pagination_class = CursorPage

    @extend_schema(
        operation_id="messages_list",
        parameters=[MessageFilter],
        responses=MessageOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List messages, newest first."""
        given = MessageFilter(data=request.query_params)
        given.is_valid(raise_exception=True)
        page = CursorPage()
        rows = page.paginate_queryset(
            messages().filter(**conditions(given.validated_data)), request, self
        )
        return page.get_paginated_response(MessageOutput(rows or [], many=True).data)

    @extend_schema(operation_id="messages_send", request=MessageInput, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request) -> Response:
        """Send one transactional message; an address or number that cannot be one is a 422 with the reason."""
        given = MessageInput(data=request.data)
        given.is_valid(raise_exception=True)
        parts = given.validated_data
        template = find_template(parts.pop("template"))
        message = send_message(template, **parts, actor=actor_of(request))
        headers = {"Location": f"/api/v1/messages/{message.public_id}", "Retry-After": "2"}
        return Response(body_of(message), status=202, headers=headers)


class MessageView(APIView):
    """One message."""

    required_scopes: ClassVar = {"GET": "messages:read"}
    required_permissions: ClassVar = {"GET": "messaging.view_message"}

    @extend_schema(operation_id="messages_read", responses=MessageLifeOutput)
    def get(self, request: Request, message_id: str) -> Response:
        """Read a message and everything that happened to it."""
        return Response(body_of(Message.from_public_id(message_id)))


def body_of(message: Message) -> Any:
    found = messages().select_related("batch").defer("batch__compressed").get(pk=message.pk)
    return MessageLifeOutput(found).data


def conditions(given: dict[str, Any]) -> dict[str, Any]:
    """Return the filters that a caller named, as the ledger knows them."""
    names = {
        "status": "status",
        "reason": "reason",
        "channel": "stream__sender__channel",
        "sender": "stream__sender",
        "contact": "contact",
        "since": "created_at__gte",
        "until": "created_at__lt",
    }
    found = {names[name]: value for name, value in given.items() if name in names}
    if "life" in given:
        found[f"{given['life']}_at__isnull"] = False
    if "template" in given:
        found["stream__template_version__template"] = find_template(given["template"])
    return found


routes: list[URLPattern] = [
    path("messages", MessageListView.as_view()),
    path("messages/<str:message_id>", MessageView.as_view()),
]

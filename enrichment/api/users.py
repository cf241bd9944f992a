"""Log-ins for people of clients, over HTTP: for owners, and keys that were given this scope."""

from __future__ import annotations

from typing import ClassVar

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.audit import actor_of
from enrichment.actions.users import create_client_user
from enrichment.api.answers import validated
from enrichment.serializers import ClientUserInput, ClientUserOutput


class ClientUserView(APIView):
    """New log-ins."""

    required_scopes: ClassVar = {"POST": "users:create"}
    required_permissions: ClassVar = {"POST": "auth.add_user"}

    @extend_schema(
        operation_id="client_users_create",
        request=ClientUserInput,
        responses={200: ClientUserOutput, 201: ClientUserOutput},
    )
    def post(self, request: Request) -> Response:
        """Make a log-in, or link the one of this address; the same again changes nothing.

        It heeds no `Idempotency-Key`, for answers are kept under one, and the link is nobody's but its owner's.
        """
        given = validated(ClientUserInput(data=request.data))
        made = create_client_user(**given, actor=actor_of(request))
        return Response(ClientUserOutput(made).data, status=201 if made.is_new else 200)


routes: list[URLPattern] = [path("client-users", ClientUserView.as_view())]

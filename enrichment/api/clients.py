"""Clients over HTTP: parse, check scope, call the same actions as the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.audit import actor_of
from enrichment.actions import clients as actions
from enrichment.actions.enhancing import enhance_client, enhance_many, estimate
from enrichment.actions.fields import (
    accept_proposals,
    edit_fields,
    reject_proposals,
    unlock_fields,
)
from enrichment.api.answers import ACCEPTED, accepted, page_of, validated
from enrichment.models import Client, FieldValue
from enrichment.serializers import (
    ClientChanges,
    ClientInput,
    ClientOutput,
    DecisionInput,
    DecisionOutput,
    EnhanceInput,
    EnhanceManyInput,
    EstimateOutput,
    ManyInput,
    ProposalOutput,
)


def clients() -> QuerySet[Client]:
    """Return clients with all that an answer shows of them."""
    values = FieldValue.objects.select_related("call")
    return Client.objects.select_related("run").prefetch_related(Prefetch("values", values))


def answer(client: Client, *, status: int = 200) -> Response:
    """Answer with the client as it is in the database now."""
    headers = {"Location": f"/api/v1/clients/{client.public_id}"} if status == 201 else {}
    body = ClientOutput(clients().get(pk=client.pk)).data
    return Response(body, status=status, headers=headers)


class ClientListView(APIView):
    """All clients; new ones."""

    required_scopes: ClassVar = {"GET": "clients:read", "POST": "clients:write"}
    required_permissions: ClassVar = {
        "GET": "enrichment.view_client",
        "POST": "enrichment.add_client",
    }

    @extend_schema(operation_id="clients_list", responses=ClientOutput(many=True))
    def get(self, request: Request) -> Response:
        """List clients, newest first."""
        return page_of(clients(), ClientOutput, request, self)

    @extend_schema(
        operation_id="clients_create", request=ClientInput, responses={201: ClientOutput}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a client; a domain that another has is a 409."""
        given = validated(ClientInput(data=request.data))
        return answer(actions.create_client(**given, actor=actor_of(request)), status=201)


class ClientView(APIView):
    """One client."""

    required_scopes: ClassVar = {
        "GET": "clients:read",
        "PATCH": "clients:write",
        "DELETE": "clients:delete",
    }
    required_permissions: ClassVar = {
        "GET": "enrichment.view_client",
        "PATCH": "enrichment.change_client",
        "DELETE": "enrichment.delete_client",
    }

    @extend_schema(operation_id="clients_read", responses=ClientOutput)
    def get(self, request: Request, client_id: str) -> Response:
        """Read a client, with the source of each value."""
        return answer(Client.from_public_id(client_id))

    @extend_schema(operation_id="clients_update", request=ClientChanges, responses=ClientOutput)
    def patch(self, request: Request, client_id: str) -> Response:
        """Change a client; fields that are set here are locked."""
        client = Client.from_public_id(client_id)
        changes = validated(ClientChanges(data=request.data))
        change(client, actor=actor_of(request), **changes)
        return answer(client)

    @extend_schema(operation_id="clients_delete", responses={204: None})
    def delete(self, request: Request, client_id: str) -> Response:
        """Delete a client; what was paid for it stays in the ledger."""
        actions.delete_client(Client.from_public_id(client_id), actor=actor_of(request))
        return Response(status=204)


@transaction.atomic
def change(
    client: Client,
    *,
    actor: str,
    fields_set: dict[str, Any] | None = None,
    fields_unlocked: list[str] | None = None,
    **changes: Any,
) -> None:
    """Change all of it, or nothing."""
    if changes:
        actions.update_client(client, actor=actor, **changes)
    if fields_set:
        edit_fields(client, fields_set, actor=actor)
    if fields_unlocked:
        unlock_fields(client, fields_unlocked, actor=actor)


class EnhanceView(APIView):
    """Asking AI about a client."""

    required_scopes: ClassVar = {"POST": "clients:enhance"}
    required_permissions: ClassVar = {"POST": "enrichment.enhance_client"}

    @extend_schema(operation_id="clients_enhance", request=EnhanceInput, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, client_id: str) -> Response:
        """Ask AI about it; 409 while that is under way, 422 where the model has no price."""
        client = Client.from_public_id(client_id)
        wish = validated(EnhanceInput(data=request.data or {}))
        return accepted(enhance_client(client, actor=actor_of(request), **wish))


class EnhanceManyView(APIView):
    """Asking AI about many clients."""

    required_scopes: ClassVar = {"POST": "clients:enhance"}
    required_permissions: ClassVar = {"POST": "enrichment.enhance_client"}

    @extend_schema(
        operation_id="clients_enhance_many", request=EnhanceManyInput, responses={202: ACCEPTED}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask AI about many; with `at_most`, all of it together costs no more."""
        wish = validated(EnhanceManyInput(data=request.data))
        run = enhance_many(
            wish["clients"],
            mode=wish["mode"],
            cap_micros=wish["at_most"],
            actor=actor_of(request),
        )
        return accepted(run)


class EstimateView(APIView):
    """What asking costs."""

    required_scopes: ClassVar = {"POST": "clients:read"}
    required_permissions: ClassVar = {"POST": "enrichment.view_client"}

    @extend_schema(operation_id="clients_estimate", request=ManyInput, responses=EstimateOutput)
    def post(self, request: Request) -> Response:
        """Say what asking about these clients costs; asks nobody and changes nothing."""
        wish = validated(ManyInput(data=request.data))
        return Response(EstimateOutput(estimate(wish["clients"])).data)


class ProposalListView(APIView):
    """What waits for a person."""

    required_scopes: ClassVar = {"GET": "clients:read", "POST": "clients:write"}
    required_permissions: ClassVar = {
        "GET": "enrichment.view_client",
        "POST": "enrichment.change_client",
    }

    @extend_schema(operation_id="proposals_list", responses=ProposalOutput(many=True))
    def get(self, request: Request, client_id: str) -> Response:
        """List what was proposed about a client, newest first."""
        proposals = Client.from_public_id(client_id).proposals.select_related("call")
        return page_of(proposals, ProposalOutput, request, self)

    @extend_schema(operation_id="proposals_decide", request=DecisionInput, responses=DecisionOutput)
    @idempotent
    def post(self, request: Request, client_id: str) -> Response:
        """Accept some and reject others; all of it, or nothing."""
        client = Client.from_public_id(client_id)
        wish = validated(DecisionInput(data=request.data))
        actor = actor_of(request)
        mine = {name: [p for p in wish[name] if p.client_id == client.pk] for name in wish}
        with transaction.atomic():
            told = {
                "accepted": accept_proposals(mine["accept"], actor=actor),
                "rejected": reject_proposals(mine["reject"], actor=actor),
            }
        return Response(DecisionOutput(told).data)


routes: list[URLPattern] = [
    path("clients", ClientListView.as_view()),
    path("clients/estimate", EstimateView.as_view()),
    path("clients/enhance", EnhanceManyView.as_view()),
    path("clients/<str:client_id>", ClientView.as_view()),
    path("clients/<str:client_id>/enhance", EnhanceView.as_view()),
    path("clients/<str:client_id>/proposals", ProposalListView.as_view()),
]

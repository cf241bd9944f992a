"""What people ask for themselves, over HTTP: to join a list, to know what we know, to be forgotten."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.inputs import Input
from core.audit import actor_of
from messaging.actions.confirming import subscribe
from messaging.actions.consent import Evidence
from messaging.actions.erasing import erase_contact
from messaging.actions.sending import contact_of
from messaging.channels import Channel
from messaging.dossier import export_contact
from messaging.models import Contact, ContactList

ERASED = OpenApiResponse(
    OpenApiTypes.OBJECT,
    description="Erased; `Location` is the run that cleans what was frozen for sending.",
)


class SubscriptionInput(Input):
    """Somebody who wants to be on a list, and how we know."""

    email = serializers.CharField(max_length=320)
    source = serializers.CharField(  # type: ignore[assignment]  # our word is also the framework's
        max_length=200, help_text="Where they asked, such as 'website footer'."
    )
    wording = serializers.CharField(max_length=10_000, help_text="What they agreed to there.")
    ip_address = serializers.IPAddressField(required=False, allow_null=True)


class SubscriptionOutput(serializers.Serializer[Any]):
    """Where it stands."""

    contact = serializers.CharField()
    status = serializers.ChoiceField(choices=["subscribed", "confirmation_sent"])


class SubscriptionView(APIView):
    """The people of a list."""

    required_scopes: ClassVar = {"POST": "contacts:write"}
    required_permissions: ClassVar = {"POST": "messaging.change_contactlist"}

    @extend_schema(
        operation_id="lists_subscribe", request=SubscriptionInput, responses=SubscriptionOutput
    )
    @idempotent
    def post(self, request: Request, list_id: str) -> Response:
        """Put somebody on a list; where it asks for confirmation, they get the mail with the link first."""
        contact_list = ContactList.from_public_id(list_id)
        given = SubscriptionInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        actor = actor_of(request)
        contact = contact_of(values.pop("email"), channel=Channel.EMAIL, actor=actor)
        waiting = subscribe(contact_list, contact, evidence=Evidence(actor=actor, **values))
        status = "confirmation_sent" if waiting else "subscribed"
        return Response({"contact": contact.public_id, "status": status})


class ExportView(APIView):
    """Everything about a person."""

    required_scopes: ClassVar = {"GET": "contacts:export"}
    required_permissions: ClassVar = {"GET": "messaging.export_contact"}

    @extend_schema(operation_id="contacts_export", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, contact_id: str) -> Response:
        """Export everything that is known about a contact."""
        contact = Contact.from_public_id(contact_id)
        return Response(export_contact(contact, actor=actor_of(request)))


class EraseView(APIView):
    """The end of what we know about a person."""

    required_scopes: ClassVar = {"POST": "contacts:erase"}
    required_permissions: ClassVar = {"POST": "messaging.delete_contact"}

    @extend_schema(operation_id="contacts_erase", request=None, responses={202: ERASED})
    @idempotent
    def post(self, request: Request, contact_id: str) -> Response:
        """Erase a contact for ever; the address stays suppressed, known by a hash alone."""
        contact = Contact.from_public_id(contact_id)
        run = erase_contact(contact, actor=actor_of(request))
        headers = {"Location": f"/api/v1/runs/{run.public_id}", "Retry-After": "2"}
        return Response({"id": contact.public_id}, status=202, headers=headers)


routes: list[URLPattern] = [
    path("lists/<str:list_id>/subscribe", SubscriptionView.as_view()),
    path("contacts/<str:contact_id>/export", ExportView.as_view()),
    path("contacts/<str:contact_id>/erase", EraseView.as_view()),
]

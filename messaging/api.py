"""Contacts over HTTP: parse, check scope, call the same actions as the admin."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from messaging.actions.registration import register_contact
from messaging.addresses import normalise_email
from messaging.models import Contact
from messaging.serializers import ContactInput, ContactOutput

EMAIL = OpenApiParameter("email", description="Only the contact with this e-mail address.")


def contacts() -> QuerySet[Contact]:
    """Return contacts with all that an answer shows of them."""
    return Contact.objects.prefetch_related("consents")


class ContactListView(APIView):
    """All contacts; new ones."""

    required_scopes: ClassVar = {"GET": "contacts:read", "POST": "contacts:write"}
    required_permissions: ClassVar = {
        "GET": "messaging.view_contact",
        "POST": "messaging.add_contact",
    }
    pagination_class = CursorPage

    @extend_schema(
        operation_id="contacts_list", parameters=[EMAIL], responses=ContactOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        """List contacts, newest first."""
        found = contacts()
        if email := request.query_params.get("email"):
            found = found.filter(email=normalise_email(email))
        page = CursorPage()
        rows = page.paginate_queryset(found, request, self)
        return page.get_paginated_response(ContactOutput(rows, many=True).data)

    @extend_schema(
        operation_id="contacts_create", request=ContactInput, responses={201: ContactOutput}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a contact with its consents; an address that is taken is a 409 naming who has it."""
        given = ContactInput(data=request.data)
        given.is_valid(raise_exception=True)
        contact = register_contact(**given.validated_data, actor=actor_of(request))
        location = f"/api/v1/contacts/{contact.public_id}"
        body = ContactOutput(contacts().get(pk=contact.pk)).data
        return Response(body, status=201, headers={"Location": location})


class ContactView(APIView):
    """One contact."""

    required_scopes: ClassVar = {"GET": "contacts:read"}
    required_permissions: ClassVar = {"GET": "messaging.view_contact"}

    @extend_schema(operation_id="contacts_read", responses=ContactOutput)
    def get(self, request: Request, contact_id: str) -> Response:
        """Read a contact."""
        contact = Contact.from_public_id(contact_id)
        return Response(ContactOutput(contacts().get(pk=contact.pk)).data)


routes: list[URLPattern] = [
    path("contacts", ContactListView.as_view()),
    path("contacts/<str:contact_id>", ContactView.as_view()),
]

"""Events over HTTP: send one or many, and look at what came of them."""

from __future__ import annotations

from typing import ClassVar

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from jobs.events.sending import NewEvent, send_event, send_events
from jobs.events.serializers import EventInput, EventOutput, EventSummary, SentOutput
from jobs.models import Event

NAME = OpenApiParameter("name", str, description="Only events of this name.")
ONE_OR_MANY = PolymorphicProxySerializer(
    component_name="Events",
    serializers=[EventInput, EventInput(many=True)],
    resource_type_field_name=None,
    many=False,
)


class EventListView(APIView):
    """All events; new ones."""

    required_scopes: ClassVar = {"GET": "events:read", "POST": "events:send"}
    required_permissions: ClassVar = {"GET": "jobs.view_event", "POST": "jobs.add_event"}
    pagination_class = CursorPage

    @extend_schema(operation_id="events_list", parameters=[NAME], responses=EventSummary(many=True))
    def get(self, request: Request) -> Response:
        """List events, newest first."""
        events = Event.objects.all()
        if name := request.query_params.get("name", ""):
            events = events.filter(name=name)
        page = CursorPage()
        rows = page.paginate_queryset(events, request, self)
        return page.get_paginated_response(EventSummary(rows, many=True).data)

    @extend_schema(operation_id="events_send", request=ONE_OR_MANY, responses={202: SentOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Send one event or a list: all of them, or none."""
        is_many = isinstance(request.data, list)
        given = EventInput(data=request.data, many=is_many)
        given.is_valid(raise_exception=True)
        chosen, actor = given.validated_data, actor_of(request)
        if is_many:
            sent = send_events([NewEvent(**each) for each in chosen], actor=actor)
        else:
            sent = [send_event(**chosen, actor=actor)]
        ids = [event.public_id for event in sent]
        headers = {} if is_many else {"Location": f"/api/v1/events/{ids[0]}"}
        return Response({"ids": ids}, status=202, headers=headers)


class EventView(APIView):
    """One event."""

    required_scopes: ClassVar = {"GET": "events:read"}
    required_permissions: ClassVar = {"GET": "jobs.view_event"}

    @extend_schema(operation_id="events_read", responses=EventOutput)
    def get(self, request: Request, event_id: str) -> Response:
        """Read an event with the runs that it started, woke or cancelled, or why it did nothing."""
        return Response(EventOutput(Event.from_public_id(event_id)).data)


routes: list[URLPattern] = [
    path("events", EventListView.as_view()),
    path("events/<str:event_id>", EventView.as_view()),
]

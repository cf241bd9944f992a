"""Enrollments over HTTP: parse, check scope, call the same actions as the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from funnels.actions import enroll_person, set_attendance, withdraw
from funnels.models import Event, Registration, remember_reminders
from funnels.serializers import AttendanceInput, EnrollmentInput, EnrollmentOutput
from funnels.states import Attendance

EVENT = OpenApiParameter("event", description="Only those of this event, occ_….")


def registrations() -> QuerySet[Registration]:
    """Return registrations with all that an answer shows of them."""
    return Registration.objects.select_related("event", "contact").prefetch_related(
        "enrollments__launch__funnel", "enrollments__version", "enrollments__run"
    )


def answer(registration: Registration, *, status: int = 200, headers: Any = None) -> Response:
    """Answer with an enrollment as it is in the database now."""
    body = EnrollmentOutput(registrations().get(pk=registration.pk)).data
    return Response(body, status=status, headers=headers)


class EnrollmentListView(APIView):
    """All enrollments; new ones."""

    required_scopes: ClassVar = {"GET": "enrollments:read", "POST": "enrollments:write"}
    required_permissions: ClassVar = {
        "GET": "funnels.view_registration",
        "POST": "funnels.enroll_event",
    }
    pagination_class = CursorPage

    @extend_schema(
        operation_id="enrollments_list", parameters=[EVENT], responses=EnrollmentOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        """List enrollments, newest first."""
        found = registrations()
        if event := request.query_params.get("event"):
            found = found.filter(event=Event.from_public_id(event))
        page = CursorPage()
        rows = page.paginate_queryset(found, request, self) or []
        remember_reminders(rows)
        return page.get_paginated_response(EnrollmentOutput(rows, many=True).data)

    @extend_schema(
        operation_id="enrollments_create",
        request=EnrollmentInput,
        responses={200: EnrollmentOutput, 201: EnrollmentOutput},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Enroll a person in an event, with their consents: 201 with the run; 200 where they are enrolled already."""
        given = EnrollmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        registration, is_new = enroll_person(**given.validated_data, actor=actor_of(request))
        location = f"/api/v1/enrollments/{registration.public_id}"
        return answer(registration, status=201 if is_new else 200, headers={"Location": location})


class EnrollmentView(APIView):
    """One enrollment."""

    required_scopes: ClassVar = {"GET": "enrollments:read", "DELETE": "enrollments:write"}
    required_permissions: ClassVar = {
        "GET": "funnels.view_registration",
        "DELETE": "funnels.enroll_event",
    }

    @extend_schema(operation_id="enrollments_read", responses=EnrollmentOutput)
    def get(self, request: Request, enrollment_id: str) -> Response:
        """Read an enrollment, with what was sent."""
        return answer(Registration.from_public_id(enrollment_id))

    @extend_schema(operation_id="enrollments_withdraw", responses={200: EnrollmentOutput})
    def delete(self, request: Request, enrollment_id: str) -> Response:
        """Let a person go: nothing more goes out, and their runs end at once. A second time changes nothing."""
        registration = Registration.from_public_id(enrollment_id)
        if registration.is_registered:
            withdraw(registration, actor=actor_of(request))
        return answer(registration)


class AttendanceView(APIView):
    """Whether somebody came."""

    required_scopes: ClassVar = {"PUT": "enrollments:write"}
    required_permissions: ClassVar = {"PUT": "funnels.change_registration"}

    @extend_schema(
        operation_id="enrollments_attendance", request=AttendanceInput, responses=EnrollmentOutput
    )
    def put(self, request: Request, enrollment_id: str) -> Response:
        """Say whether a person came. Whoever was told otherwise already gets nothing that contradicts it."""
        registration = Registration.from_public_id(enrollment_id)
        given = AttendanceInput(data=request.data)
        given.is_valid(raise_exception=True)
        attendance = Attendance(given.validated_data["attendance"])
        return answer(set_attendance(registration, attendance, actor=actor_of(request)))


routes: list[URLPattern] = [
    path("enrollments", EnrollmentListView.as_view()),
    path("enrollments/<str:enrollment_id>", EnrollmentView.as_view()),
    path("enrollments/<str:enrollment_id>/attendance", AttendanceView.as_view()),
]

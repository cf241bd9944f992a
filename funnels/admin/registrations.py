"""The people at events for staff: each one's own timeline, whether they came, and the way out."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from core.paging import CappedPaginator
from funnels import actions
from funnels.models import Enrollment, Registration
from funnels.states import Attendance, RegistrationStatus
from funnels.timeline import timeline_of


def why_not_withdraw(_admin: Any, _request: HttpRequest, registration: Registration) -> str:
    return "" if registration.is_registered else "They withdrew."


@register(Registration)
class RegistrationAdmin(ReadOnlyModelAdmin):
    """A person at an event."""

    empty_text = "People are enrolled on the page of an event, by a file, or over the API."

    list_display = ("contact", "event", "state", "attendance_in_words", "registered_at")
    list_filter = ("status", "attendance", "event")
    list_select_related = ("contact", "event")
    search_fields: ClassVar = ["contact__email", "contact__phone", "contact__last_name"]
    paginator = CappedPaginator
    show_full_result_count = False
    fields = (
        "event",
        "contact",
        "attendance_source",
        "attendance_note",
        "attended_seconds",
        "zoom_registrant_id",
        "join_url",
        "zoom_problem",
        "registered_at",
        "withdrawn_at",
    )
    panel_template = "funnels/_registration.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "funnels/flow.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        return super().get_queryset(request).select_related("contact", "event")

    def panel_context(self, request: HttpRequest, obj: Registration) -> dict[str, Any]:
        mine = Enrollment.objects.filter(registration=obj).select_related(
            "registration__event", "registration__contact", "launch__funnel", "version", "run"
        )
        return {"ways": [(each, timeline_of(each)) for each in mine.order_by("enrolled_at")]}

    def has_enroll_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.enroll_event")

    def has_attend_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.change_registration")

    @button(
        label="They came",
        permission="attend",
        confirm="They attended, whatever Zoom says. Whoever was told otherwise gets nothing that contradicts it.",
        icon="check",
    )
    def attended(self, request: HttpRequest, registration: Registration) -> str:
        actions.set_attendance(registration, Attendance.ATTENDED, actor=actor_of(request))
        return "They attended."

    @button(
        label="They did not come",
        permission="attend",
        confirm="They are a no-show, whatever Zoom says. Whoever was told otherwise gets nothing that contradicts it.",
        icon="close",
    )
    def no_show(self, request: HttpRequest, registration: Registration) -> str:
        actions.set_attendance(registration, Attendance.NO_SHOW, actor=actor_of(request))
        return "They are a no-show."

    @button(
        label="Withdraw",
        permission="enroll",
        confirm="Nothing more goes out to them about this event, not even what waits in the outbox.",
        icon="person_remove",
        is_danger=True,
        why_not=why_not_withdraw,
    )
    def withdraw(self, request: HttpRequest, registration: Registration) -> str:
        actions.withdraw(registration, actor=actor_of(request))
        return "They are withdrawn."

    @display(
        description="Status",
        ordering="status",
        label={"Registered": "success", "Withdrawn": "warning"},
    )
    def state(self, registration: Registration) -> str:
        return RegistrationStatus(registration.status).label

    @display(description="Attendance", ordering="attendance")
    def attendance_in_words(self, registration: Registration) -> str:
        return registration.get_attendance_display()

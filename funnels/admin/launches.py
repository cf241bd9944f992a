"""Launched funnels for staff: the flow with live counts at every step, and the brake."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from funnels import actions
from funnels.flow import flow_of
from funnels.forms import ReasonForm
from funnels.models import FunnelVersion, Launch
from funnels.outlook import forecasts_of
from funnels.states import LaunchStatus


def why_not_pause(_admin: Any, _request: HttpRequest, launch: Launch) -> str:
    return (
        ""
        if launch.status == LaunchStatus.LIVE
        else f"It is {launch.get_status_display().lower()}."
    )


def why_not_resume(_admin: Any, _request: HttpRequest, launch: Launch) -> str:
    return "" if launch.status == LaunchStatus.PAUSED else "It is not paused."


def why_not_end(_admin: Any, _request: HttpRequest, launch: Launch) -> str:
    return "It has ended." if launch.status == LaunchStatus.ENDED else ""


@register(Launch)
class LaunchAdmin(ReadOnlyModelAdmin):
    """A funnel at work for an event."""

    empty_text = "Funnels are launched on the page of an event."

    list_display = ("__str__", "state", "people", "launched_at")
    list_filter = ("status", "funnel")
    list_select_related = ("event", "funnel")
    fields = ("event", "funnel", "paused_reason", "launched_by", "launched_at", "ended_at")
    panel_template = "funnels/_launch.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "funnels/flow.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Launch]:
        rows = super().get_queryset(request).select_related("event", "funnel")
        return rows.annotate(count=Count("enrollments"))

    def is_live(self, obj: Launch) -> bool:
        return obj.status == LaunchStatus.LIVE

    def panel_context(self, request: HttpRequest, obj: Launch) -> dict[str, Any]:
        people = dict(obj.enrollments.values_list("version").annotate(Count("pk")).order_by())
        present = obj.funnel.published
        ids = {*people, *([present.pk] if present else [])}
        versions = FunnelVersion.objects.filter(pk__in=ids).order_by("-number")
        return {
            "versions": [
                {
                    "version": version,
                    "people": people.get(version.pk, 0),
                    "flow": flow_of(version, event=obj.event, launch=obj),
                    "forecasts": forecasts_of(version, obj.event, people=people.get(version.pk, 0)),
                }
                for version in versions
            ]
        }

    def buttons_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return [entry for entry in super().buttons_for(request, obj) if not entry["reason"]]

    def has_control_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.control_funnel")

    @button(
        label="Pause",
        permission="control",
        confirm="What was handed to the provider still arrives. Everything else waits, and people may still enroll.",
        form=ReasonForm,
        icon="pause",
        why_not=why_not_pause,
    )
    def pause(self, request: HttpRequest, launch: Launch, *, reason: str) -> str:
        actions.pause_launch(launch, reason=reason, actor=actor_of(request))
        return "It is paused."

    @button(
        label="Resume",
        permission="control",
        confirm="What is still of use goes out; what is too late by now is skipped.",
        icon="play_arrow",
        is_primary=True,
        why_not=why_not_resume,
    )
    def resume(self, request: HttpRequest, launch: Launch) -> str:
        actions.resume_launch(launch, actor=actor_of(request))
        return "It goes on."

    @button(
        label="End it",
        permission="control",
        confirm="It ends for good: nothing more goes out, and everybody's run ends.",
        icon="cancel",
        is_danger=True,
        why_not=why_not_end,
    )
    def end(self, request: HttpRequest, launch: Launch) -> str:
        actions.end_launch(launch, actor=actor_of(request))
        return "It has ended."

    @display(
        description="Status",
        ordering="status",
        label={"Live": "success", "Paused": "warning", "Ended": "info"},
    )
    def state(self, launch: Launch) -> str:
        return launch.get_status_display()

    @display(description="People")
    def people(self, launch: Launch) -> str:
        return f"{launch.count:,}"  # type: ignore[attr-defined]  # annotated

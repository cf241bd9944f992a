"""Events for staff: plan, launch funnels, enroll people, look who came."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from core.admin import ModelAdmin, button, display, dress, register
from core.audit import actor_of
from core.errors import Refused
from core.live import Figure
from core.local_time import zones
from funnels import actions
from funnels.actions.events import PARTS
from funnels.actions.launching import check_launch
from funnels.forms import (
    DryRunForm,
    EnrollForm,
    EventForm,
    LaunchForm,
    ReasonForm,
    published_funnels,
)
from funnels.models import Event, Funnel, FunnelVersion
from funnels.outlook import forecasts_of, in_short
from funnels.states import Attendance, EventStatus, RegistrationStatus
from funnels.timeline import imagine, versions_of
from messaging.models import ContactList

ABOUT_LAUNCHING = (
    "Everybody who is registered is enrolled now, and whoever registers later. "
    "What it takes at the senders' rates:"
)


def ask_to_launch(_admin: Any, _request: HttpRequest, event: Event) -> str:
    """Return what each funnel would mean for this event; raise Refused where none can be launched."""
    people = event.registrations.filter(status=RegistrationStatus.REGISTERED).count()
    ready, refused = [], []
    for funnel in published_funnels().exclude(launches__event=event):
        try:
            version = check_launch(funnel, event)
        except Refused as refusal:
            refused.append((funnel, refusal))
        else:
            ready.append(f"{version}{_outlook(version, event, people)}")
    if not ready:
        raise refused[0][1] if refused else _nothing_to_launch()
    missing = [f"“{funnel}” cannot be launched: {refusal}" for funnel, refusal in refused]
    return "\n".join([ABOUT_LAUNCHING, *ready, *missing])


def _nothing_to_launch() -> Refused:
    return Refused(
        "There is no published funnel that is not launched for it already.",
        field="funnel",
        remedy="Publish one; manage.py install_funnels brings in two.",
    )


def _outlook(version: FunnelVersion, event: Event, people: int) -> str:
    found = forecasts_of(version, event, people=people, are_to_begin=True)
    return "".join(f"\n{line}" for line in in_short(found))


def why_not_cancel(_admin: Any, _request: HttpRequest, event: Event) -> str:
    return (
        ""
        if event.status == EventStatus.PLANNED
        else f"It is {event.get_status_display().lower()}."
    )


def why_not_settle(_admin: Any, request: HttpRequest, event: Event) -> str:
    return why_not_cancel(_admin, request, event) or ("" if event.is_over else "It has not ended.")


@register(Event)
class EventAdmin(ModelAdmin):
    """An event's page: who comes, which funnels accompany them, and the buttons."""

    empty_text = "Plan an event, launch a funnel for it, and enroll people: each gets the right message at its moment."

    form = EventForm
    list_display = ("title", "when", "state", "people")
    list_filter = ("status",)
    search_fields: ClassVar = ["title", "zoom_meeting_id"]
    fields = PARTS
    panel_template = "funnels/_event.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "funnels/flow.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        registered = Count("registrations", filter=Q(registrations__status="registered"))
        return super().get_queryset(request).annotate(registered=registered)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the zones there are."""
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        if db_field.name == "time_zone":
            return dress(
                forms.ChoiceField(
                    choices=zones,
                    initial=lambda: settings.TIME_ZONE,
                    label="Time zone",
                    help_text="Its start and its end are meant in this zone, days are counted in it, and times told.",
                )
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Event, form: ModelForm[Event], change: bool
    ) -> None:
        """Write through the same actions as every other door."""
        given = {name: form.cleaned_data[name] for name in PARTS if name in form.cleaned_data}
        if change:
            changes = {name: value for name, value in given.items() if name in form.changed_data}
            if "time_zone" in changes:  # the same time of day is another moment there
                changes |= {name: given[name] for name in EventForm.MOMENTS}
            actions.update_event(Event.objects.get(pk=obj.pk), actor=actor_of(request), **changes)
        else:
            obj.pk = actions.create_event(**given, actor=actor_of(request)).pk
        obj.refresh_from_db()

    # --- the panel ---------------------------------------------------------------------------

    def is_live(self, obj: Event) -> bool:
        return False

    def panel_context(self, request: HttpRequest, obj: Event) -> dict[str, Any]:
        return {
            "starts": obj.starts_at.astimezone(obj.zone),
            "ends": obj.end.astimezone(obj.zone),
            "settles": obj.settles_at.astimezone(obj.zone),
            "figures": figures_of(obj),
            "launches": obj.launches.select_related("funnel").annotate(
                people=Count("enrollments"),
                active=Count("enrollments", filter=Q(enrollments__status="active")),
            ),
            "dry_run": reverse("admin:funnels_event_dry_run", args=[obj.pk]),
        }

    # --- the buttons -------------------------------------------------------------------------

    def buttons_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return [entry for entry in super().buttons_for(request, obj) if not entry["reason"]]

    def has_launch_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.launch_funnel")

    @button(
        label="Launch a funnel",
        permission="launch",
        confirm=ask_to_launch,
        form=LaunchForm,
        icon="rocket_launch",
        is_primary=True,
        why_not=why_not_cancel,
    )
    def launch(self, request: HttpRequest, event: Event, *, funnel: Funnel) -> Any:
        launch = actions.launch_funnel(funnel, event, actor=actor_of(request))
        count = launch.enrollments.count()
        return f"“{funnel}” accompanies {count:,} people, and whoever enrolls from now on."

    @button(
        label="Enroll a list",
        permission="enroll",
        confirm="Everybody on the list is registered for the event and enrolled in its funnels. "
        "Who is registered already stays as they are.",
        form=EnrollForm,
        icon="group_add",
        why_not=why_not_cancel,
    )
    def enroll(self, request: HttpRequest, event: Event, *, list: ContactList) -> str:
        people = list.members.order_by("contact").values_list("contact", flat=True)
        done = actions.enroll(event, people.iterator(), actor=actor_of(request))
        return f"{done.new:,} of {done.people:,} people are enrolled anew."

    @button(
        label="Settle attendance",
        permission="control",
        confirm="Whoever was not seen to come is a no-show from now on, and what follows the event goes out.",
        icon="fact_check",
        why_not=why_not_settle,
    )
    def settle(self, request: HttpRequest, event: Event) -> str:
        actions.settle_event(event, actor=actor_of(request))
        return "It is settled who came."

    @button(
        label="Cancel event",
        permission="control",
        confirm="It is cancelled for good: nothing more goes out, not even what waits in the outbox.",
        form=ReasonForm,
        icon="event_busy",
        is_danger=True,
        why_not=why_not_cancel,
    )
    def cancel(self, request: HttpRequest, event: Event, *, reason: str) -> str:
        actions.cancel_event(event, reason=reason, actor=actor_of(request))
        return "It is cancelled; nothing more goes out."

    # --- dry run -----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.dry_run_view))
        own = path("<path:object_id>/dry-run/", view, name=self.url_name("dry_run"))
        return [own, *super().get_urls()]

    def dry_run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what a person would get, and when; for those who may look at contacts. Nothing is written."""
        event = self.object_or_404(request, object_id)
        assert isinstance(event, Event)
        if not request.user.has_perm("messaging.view_contact"):
            raise PermissionDenied
        form = DryRunForm(request.GET or None, event=event)
        for field in form.fields.values():
            dress(field)
        plans = []
        if form.is_bound and form.is_valid():
            person, asked = form.cleaned_data["person"], form.cleaned_data
            plans = [
                (
                    version,
                    imagine(
                        event,
                        version,
                        person,
                        enrolled_at=asked["enrolled_at"],
                        attendance=asked["attendance"],
                        at=asked["enrolled_at"],
                    ),
                )
                for version in versions_of(event)
            ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Dry run: {event.title}",
            "event": event,
            "form": form,
            "plans": plans,
            "media": self.media,
        }
        return TemplateResponse(request, "funnels/dry_run.html", context)

    # --- the list ----------------------------------------------------------------------------

    @display(description="Starts", ordering="starts_at")
    def when(self, event: Event) -> str:
        return f"{event.starts_at.astimezone(event.zone):%a %d %b %Y, %H:%M %Z}"

    @display(
        description="Status",
        ordering="status",
        label={"Planned": "info", "Completed": "success", "Cancelled": "danger"},
    )
    def state(self, event: Event) -> str:
        return event.get_status_display()

    @display(description="People")
    def people(self, event: Event) -> str:
        return f"{event.registered:,}"  # type: ignore[attr-defined]  # annotated


def figures_of(event: Event) -> list[Figure]:
    """Return how many people come, left, came."""
    place = reverse("admin:funnels_registration_changelist")
    here = f"{place}?event__id__exact={event.pk}"
    people = event.registrations.all()
    registered = people.filter(status=RegistrationStatus.REGISTERED)
    figures = [
        Figure(
            "registered",
            "Registered",
            registered.count(),
            f"{here}&status__exact=registered",
            "calm",
        ),
        Figure(
            "withdrawn",
            "Withdrawn",
            people.filter(status=RegistrationStatus.WITHDRAWN).count(),
            f"{here}&status__exact=withdrawn",
        ),
    ]
    for attendance, tone in ((Attendance.ATTENDED, "good"), (Attendance.NO_SHOW, "warn")):
        count = registered.filter(attendance=attendance).count()
        url = f"{here}&attendance__exact={attendance}"
        figures.append(Figure(attendance, attendance.label, count, url, tone))
    return figures

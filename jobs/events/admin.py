"""Events for staff: what came in, what came of it, and a form to send one by hand."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from core.admin import ModelAdmin, button, display, register
from core.audit import actor_of
from core.errors import NotFound
from core.paging import CappedPaginator
from jobs import registry
from jobs.events import schemas
from jobs.events.outcome import DID, outcome
from jobs.events.sending import send_event
from jobs.models import Event, EventEffect, EventShape

#: So many effects stand on a page; a wide event wakes thousands.
SHOWN = 200


class EventForm(forms.ModelForm):
    """What one says to send an event."""

    data = forms.JSONField(  # type: ignore[assignment]
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text='A JSON object, such as {"client": 7}.',
    )

    given_id = forms.CharField(
        label="Id", required=False, help_text="The same id counts once in 24 hours."
    )

    class Meta:
        model = Event
        fields = ("name", "data")


class NameFilter(SimpleListFilter):
    """The names that somebody declared, triggers on or waits for."""

    title = "name"
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        triggers = (each for workflow in registry.everything() for each in workflow.triggers)
        names = {*schemas.declared(), *(trigger.event for trigger in triggers)}
        names |= set(EventShape.objects.values_list("name", flat=True).distinct())
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(name=self.value()) if self.value() else queryset


class OutcomeFilter(SimpleListFilter):
    """Whoever looks for what went wrong begins here."""

    title = "what came of it"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("did", "Something"), ("nothing", "Nothing"), ("failed", "It failed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        if self.value() == "failed":
            return queryset.exclude(error="")
        if self.value() not in ("did", "nothing"):
            return queryset
        did = Exists(EventEffect.objects.filter(event=OuterRef("pk"), kind__in=DID))
        return queryset.filter(did if self.value() == "did" else ~did, error="")


def pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, cls=DjangoJSONEncoder)


def _count_of(kind: str) -> Coalesce:
    """Return how many effects of a kind an event has, counted for the rows of the page alone."""
    effects = EventEffect.objects.filter(event=OuterRef("pk"), kind=kind).order_by()
    counted = effects.values("event").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


@register(Event)
class EventAdmin(ModelAdmin):
    """What came in: never changed, and sent again or by hand where one may."""

    empty_text = (
        "Programs send events over the API, workflows by send_event, and you with the button above."
    )

    form = EventForm
    list_display = ("name", "number", "came_of_it", "actor", "received_at")
    list_filter = (NameFilter, OutcomeFilter)
    search_fields = ("name",)
    search_help_text = "A name, the sender's id, or evt_…"
    show_full_result_count = False
    paginator = CappedPaginator
    fields = (
        "number",
        "name",
        "dedup_key",
        "actor",
        "occurred_at",
        "received_at",
        "dispatched_at",
    )
    panel_template = "jobs/_event.html"

    class Media:
        css: ClassVar = {"all": ["jobs/run.css", "jobs/event.css"]}

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_send_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return self.has_add_permission(request)

    def get_fields(self, request: HttpRequest, obj: Event | None = None) -> Any:
        return self.fields if obj else ("name", "data", "given_id")

    def get_readonly_fields(self, request: HttpRequest, obj: Event | None = None) -> Any:
        return self.fields if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        counts = {f"{kind}_count": _count_of(kind) for kind in DID}
        return super().get_queryset(request).annotate(**counts)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(pk=Event.from_public_id(search_term).pk), False
        except NotFound:
            named = queryset.filter(name=search_term)
            return named | queryset.filter(dedup_key=search_term), False

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: bool) -> None:
        """Send it as every other door does."""
        given = form.cleaned_data
        sent = send_event(
            given["name"], given["data"], id=given["given_id"], actor=actor_of(request)
        )
        obj.pk = sent.pk
        obj.refresh_from_db()
        if sent.is_duplicate:
            text = "This id was sent before, so nothing happened: here is the event that had it."
            messages.warning(request, text)

    def panel_context(self, request: HttpRequest, obj: Event) -> dict[str, Any]:
        effects = obj.effects.select_related("run")
        return {
            "event": obj,
            "outcome": outcome(obj),
            "payload": pretty(obj.data),
            "extra": pretty(obj.extra) if obj.extra else "",
            "effects": effects[:SHOWN],
            "more": max(effects.count() - SHOWN, 0),
        }

    def is_live(self, obj: Event) -> bool:
        return obj.dispatched_at is None

    @display(description="Event")
    def number(self, event: Event) -> str:
        return event.public_id

    @display(description="What came of it")
    def came_of_it(self, event: Any) -> str:
        if event.error:
            return "failed"
        counts = {verb: getattr(event, f"{kind}_count") for kind, verb in DID.items()}
        done = ", ".join(f"{verb} {count:,}" for verb, count in counts.items() if count)
        return done or ("nothing" if event.dispatched_at else "not yet")

    @button(
        label="Send again",
        permission="send",
        confirm="An event with the same name and data is sent, as a new one: what it starts, starts again.",
        icon="replay",
    )
    def send(self, request: HttpRequest, event: Event) -> str:
        sent = send_event(event.name, event.data, actor=actor_of(request))
        return f"It is sent again as {sent.public_id}."

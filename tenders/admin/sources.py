"""Sources and their windows: how each stands, and the buttons that sync, pause and give up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock
from core.admin import ModelAdmin, ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from tenders import actions
from tenders.actions.sources import ADAPTER
from tenders.coverage import WIDTH, health_of
from tenders.forms import RangeForm, ReasonForm
from tenders.models import SyncWindow, TenderSource
from tenders.models.sources import Enricher
from tenders.ranges import read_range
from tenders.states import WindowStatus

STATES = {
    WindowStatus.COMPLETE.label: "success",
    WindowStatus.FETCHING.label: "info",
    WindowStatus.OPEN.label: "danger",
}


def is_on(_admin: Any, _request: HttpRequest, source: TenderSource) -> str:
    return "It is synced by schedule already." if source.is_enabled else ""


def is_off(_admin: Any, _request: HttpRequest, source: TenderSource) -> str:
    return "" if source.is_enabled else "It is not synced by schedule."


def has_no_enricher(_admin: Any, _request: HttpRequest, source: TenderSource) -> str:
    return "" if source.enricher != Enricher.NONE else "It has no enricher."


@register(TenderSource)
class TenderSourceAdmin(ModelAdmin):
    """A source's page: its health, and its row."""

    empty_text = (
        "manage.py install_sources brings three in, switched off; any OCDS source can be added."
    )
    list_display = ("name", "country", "is_enabled", "missing", "cursor_at", "last_new_at")
    panel_template = "tenders/_source.html"
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}
    fieldsets: ClassVar = [
        (None, {"fields": ("key", "name", "country", "licence", "attribution")}),
        (
            "How it is asked",
            {
                "fields": [
                    f
                    for f in ADAPTER
                    if f not in ("key", "name", "country", "licence", "attribution")
                ]
            },
        ),
    ]

    class Media:
        css: ClassVar = {"all": ["core/live.css", "tenders/admin.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_sync_permission(self, request: HttpRequest, obj: TenderSource) -> bool:
        return request.user.has_perm("tenders.sync_tendersource")

    def has_enrich_permission(self, request: HttpRequest, obj: TenderSource) -> bool:
        return request.user.has_perm("tenders.enrich_tender")

    def save_model(
        self, request: HttpRequest, obj: TenderSource, form: ModelForm[TenderSource], change: bool
    ) -> None:
        """Write the row through the same actions as every other door."""
        actor = actor_of(request)
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            fresh = TenderSource.objects.get(pk=obj.pk)
            actions.update_source(fresh, actor=actor, **changes)
        else:
            obj.pk = actions.create_source(actor=actor, **form.cleaned_data).pk
        obj.refresh_from_db()

    def panel_context(self, request: HttpRequest, obj: TenderSource) -> dict[str, Any]:
        return {
            "health": health_of(obj),
            "width": WIDTH,
            "may_see_run": request.user.has_perm("jobs.view_run"),
        }

    @button(
        label="Sync now",
        permission="sync",
        icon="sync",
        is_primary=True,
        confirm="It asks for what is new, and takes up every open window anew.",
    )
    def sync(self, request: HttpRequest, source: TenderSource) -> str:
        run = actions.request_sync(source, actor=actor_of(request))
        return f"It is being synced as {run.public_id}."

    @button(
        label="Switch on",
        permission="sync",
        icon="play_arrow",
        confirm="It is synced every 30 minutes.",
        why_not=is_on,
    )
    def switch_on(self, request: HttpRequest, source: TenderSource) -> str:
        actions.enable_source(source, actor=actor_of(request))
        return "It is synced every 30 minutes."

    @button(
        label="Pause",
        permission="sync",
        icon="pause",
        confirm="It is synced no more by itself; what is under way comes to its end.",
        why_not=is_off,
    )
    def switch_off(self, request: HttpRequest, source: TenderSource) -> str:
        actions.disable_source(source, actor=actor_of(request))
        return "It is paused."

    @button(
        label="Fetch a range",
        permission="sync",
        icon="history",
        form=RangeForm,
        confirm="Its newest part comes first; what it brings is no news. Pause and resume its run as any other.",
    )
    def backfill(
        self, request: HttpRequest, source: TenderSource, *, start: date, end: date
    ) -> str:
        begins, ends = read_range(source, start.isoformat(), end.isoformat())
        run = actions.request_backfill(source, start=begins, end=ends, actor=actor_of(request))
        return (
            f"It is being fetched as {run.public_id}." if run else "The run under way takes it too."
        )

    @button(
        label="Enrich today",
        permission="enrich",
        icon="travel_explore",
        confirm="What was published today and lacks a detailed category is enriched.",
        why_not=has_no_enricher,
    )
    def enrich_today(self, request: HttpRequest, source: TenderSource) -> str:
        today = clock.now().astimezone(source.zone).date().isoformat()
        start, _ = read_range(source, today, today)
        end = start + timedelta(days=1)
        run = actions.request_enrichment_of(source, start=start, end=end, actor=actor_of(request))
        return f"It is being enriched as {run.public_id}."

    @button(
        label="Enrich a range",
        permission="enrich",
        icon="manage_search",
        form=RangeForm,
        confirm="What lacks a detailed category is enriched, the newest first. Pause and resume its run as any other.",
        why_not=has_no_enricher,
    )
    def enrich_range(
        self, request: HttpRequest, source: TenderSource, *, start: date, end: date
    ) -> str:
        begins, ends = read_range(source, start.isoformat(), end.isoformat())
        run = actions.request_enrichment_of(source, start=begins, end=ends, actor=actor_of(request))
        return f"It is being enriched as {run.public_id}."

    @display(description="Not proven")
    def missing(self, source: TenderSource) -> SafeString | str:
        count = SyncWindow.objects.gaps().filter(source=source).count()
        if not count:
            return "–"
        place = reverse("admin:tenders_syncwindow_changelist")
        return format_html(
            '<a class="live-list live-list--bad" href="{}?source__id__exact={}">{} windows</a>',
            place,
            source.pk,
            count,
        )


def is_no_gap(_admin: Any, _request: HttpRequest, window: SyncWindow) -> str:
    return "" if window.is_gap else f"It is {window.get_status_display().lower()}."


def is_not_closed(_admin: Any, _request: HttpRequest, window: SyncWindow) -> str:
    return "" if window.status == WindowStatus.CLOSED else "Nobody gave it up."


@register(SyncWindow)
class SyncWindowAdmin(ReadOnlyModelAdmin):
    """A window: what came of it, and the end of one that nobody can fill."""

    empty_text = "A sync cuts the time of its source into windows; they stand here."
    list_display = ("__str__", "source", "kind", "state", "page_count", "new_count", "problem")
    list_filter = ("status", "kind", "source")
    list_select_related = ("source",)
    show_full_result_count = False
    ordering: ClassVar = ["-starts_at"]
    fields = (
        "source",
        "kind",
        "starts_at",
        "ends_at",
        "status",
        "problem",
        "page_count",
        "release_count",
        "new_count",
        "note_count",
        "error_count",
        "crawl",
        "run",
        "closed_by",
        "closed_reason",
        "completed_at",
    )

    def may_close(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tenders.close_tendersource")

    def has_close_permission(self, request: HttpRequest, obj: SyncWindow) -> bool:
        return self.may_close(request)

    @button(
        label="Give it up",
        permission="close",
        icon="block",
        is_danger=True,
        form=ReasonForm,
        confirm="What is missing of it stays missing, and the source's cursor passes it.",
        why_not=is_no_gap,
    )
    def close(self, request: HttpRequest, window: SyncWindow, *, reason: str) -> str:
        actions.close_window(window, reason=reason, actor=actor_of(request))
        return "It is given up."

    @button(
        label="Take it up again",
        permission="close",
        icon="undo",
        confirm="The next sync fetches it.",
        why_not=is_not_closed,
    )
    def reopen(self, request: HttpRequest, window: SyncWindow) -> str:
        actions.reopen_window(window, actor=actor_of(request))
        return "The next sync fetches it."

    @display(description="Status", ordering="status", label=STATES)
    def state(self, window: SyncWindow) -> str:
        return window.get_status_display()

"""Queries and briefs for staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.admin import ModelAdmin, ReadOnlyModelAdmin, display, register
from core.audit import actor_of
from enrichment.actions.writing import create_brief
from enrichment.forms import BriefForm
from enrichment.models import Brief, SearchQuery
from enrichment.states import BriefStatus, Platform

TONES = {"Ready": "success", "Failed": "danger", "Being written": "info"}
PARTS = ("title", "client", "keywords", "purpose", "audience", "platforms")


@register(SearchQuery)
class SearchQueryAdmin(ReadOnlyModelAdmin):
    """What people search with."""

    empty_text = "Press “Write queries” on a client's page: a model writes what people search with, keyword by keyword."
    list_display = ("text", "intent", "keyword", "client", "made_up")
    list_filter = ("intent",)
    search_fields: ClassVar = ["text", "keyword", "client__name"]
    list_select_related = ("client", "call")
    fields = ("text", "intent", "keyword", "client", "call", "created_at")

    @display(description="Written by")
    def made_up(self, query: SearchQuery) -> str:
        return "AI (sandbox)" if query.call and query.call.is_sandbox else "AI"


@register(Brief)
class BriefAdmin(ModelAdmin):
    """Briefs: ordered here, and followed until they are written."""

    empty_text = "Order a brief: it is researched for each platform, outlined, and written."
    list_display = ("title", "client", "state", "created_at", "finished_at")
    list_filter = ("status",)
    autocomplete_fields = ("client",)
    search_fields: ClassVar = ["title", "client__name"]
    form = BriefForm
    panel_template = "enrichment/_brief.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "enrichment/enrichment.css"]}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return (*PARTS, "style_guide", "instructions")
        words = {"keywords": "wanted", "platforms": "found_on"}
        return (*(words.get(name, name) for name in PARTS), "style_guide", "instructions")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("wanted", "found_on") if obj else ()

    @display(description="Keywords")
    def wanted(self, brief: Brief) -> str:
        return ", ".join(brief.keywords)

    @display(description="Platforms")
    def found_on(self, brief: Brief) -> str:
        return ", ".join(Platform(each).label for each in brief.platforms)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("enrichment.write_brief")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Brief, form: Any, change: bool) -> None:
        """Order it through the same action as every other door."""
        obj.pk = create_brief(**form.cleaned_data, actor=actor_of(request)).pk
        obj.refresh_from_db()

    def is_live(self, obj: Brief) -> bool:
        return obj.status == BriefStatus.PENDING

    def panel_context(self, request: HttpRequest, obj: Brief) -> dict[str, Any]:
        is_sandbox = bool(obj.run and obj.run.ai_calls.filter(provider="sandbox").exists())
        return {"brief": obj, "is_sandbox": is_sandbox}

    @display(description="Status", ordering="status", label=TONES)
    def state(self, brief: Brief) -> SafeString | str:
        return brief.get_status_display()

"""Tenders: the list with its search, and a page with what all releases say together, beside each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.admin import ShowFacets
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from core.admin import button, display, register
from core.audit import actor_of
from core.downloads import DownloadableModelAdmin
from core.errors import Refused
from core.paging import CappedPaginator
from tenders import actions, exporting
from tenders.admin.finding import CriteriaFilter
from tenders.alerts.wording import change, notice_url
from tenders.finding import Criteria, matching
from tenders.history import versions
from tenders.models import Tender
from tenders.models.sources import Enricher
from tenders.states import Phase

PHASES = {
    Phase.TENDER.label: "info",
    Phase.AWARDED.label: "success",
    Phase.CANCELLED.label: "danger",
}
TONES = {Phase.TENDER: "calm", Phase.AWARDED: "good", Phase.CANCELLED: "bad"}


def has_no_enricher(_admin: Any, _request: HttpRequest, tender: Tender) -> str:
    return "" if tender.source.enricher != Enricher.NONE else "Its source has no enricher."


@register(Tender)
class TenderAdmin(DownloadableModelAdmin):
    """What there is to be won."""

    empty_text = (
        "Notices appear here once a source is synced. Switch one on, or press Sync now on its page."
    )
    list_display = (
        "title",
        "buyer",
        "stage",
        "region",
        "money",
        "closes",
        "published",
        "source",
    )
    list_select_related = ("source",)
    list_filter: ClassVar = [CriteriaFilter]
    list_filter_submit = True
    list_filter_sheet = True
    show_facets = ShowFacets.NEVER
    search_fields: ClassVar = ["words"]
    search_help_text = "Words, as whole words: road clean*. An ocid finds its process."
    show_full_result_count = False
    paginator = CappedPaginator
    ordering: ClassVar = ["-id"]
    export_name = "tenders"
    change_list_template = "tenders/list.html"
    panel_template = "tenders/_tender.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "tenders/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tender]:
        return super().get_queryset(request).defer("words")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The panel says everything; there is no form."""
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tender], search_term: str
    ) -> tuple[QuerySet[Tender], bool]:
        """Find by the index of words, as every other door."""
        term = search_term.strip()
        if term.startswith("ocds-"):
            return queryset.filter(pk__in=Tender.objects.of_processes([term])), False
        try:
            return matching(Criteria(all=term), among=queryset), False
        except Refused:
            return queryset.none(), False

    # --- one tender --------------------------------------------------------------------------

    @button(
        label="Enrich",
        permission="enrich",
        icon="travel_explore",
        confirm="It is looked up, or classified by AI, once more.",
        why_not=has_no_enricher,
    )
    def enrich(self, request: HttpRequest, tender: Tender) -> str:
        run = actions.request_enrichment([tender], actor=actor_of(request), force=True)
        return f"It is being enriched as {run.public_id}."

    def panel_context(self, request: HttpRequest, obj: Tender) -> dict[str, Any]:
        zone = obj.source.zone
        events = obj.events.order_by("-pk")[:100]
        return {
            "tone": TONES.get(Phase(obj.phase), "quiet"),
            "url": notice_url(obj.compiled),
            "events": [(event, change(event, zone=zone)) for event in events],
            "versions": versions(obj),
            "compiled": json.dumps(obj.compiled, indent=2, ensure_ascii=False, sort_keys=True),
            "enrichments": obj.enrichments.order_by("-pk")[:10],
        }

    # --- the list ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.ocds_view))
        return [path("export-ocds/", view, name=self.url_name("export_ocds")), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        place, query = reverse(f"admin:{self.url_name('export_ocds')}"), request.GET.urlencode()
        context = {"ocds_url": f"{place}?{query}" if query else place}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def ocds_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream what the list shows as one release package of compiled releases."""
        parts = exporting.package_parts(self.exported(request))
        return self.file_of(parts, "json", content_type="application/json")

    def export_lines(self, listed: QuerySet[Tender]) -> Iterator[str]:
        return exporting.csv_lines(listed)

    @display(description="Phase", ordering="phase", label=PHASES)
    def stage(self, tender: Tender) -> str:
        return tender.get_phase_display()

    @display(description="Value", ordering="value")
    def money(self, tender: Tender) -> str:
        return f"{tender.currency} {tender.value:,.0f}" if tender.value is not None else "–"

    @display(description="Closes", ordering="closes_at")
    def closes(self, tender: Tender) -> str:
        return date_format(localtime(tender.closes_at), "j M Y") if tender.closes_at else "–"

    @display(description="Published", ordering="published_at")
    def published(self, tender: Tender) -> str:
        return date_format(localtime(tender.published_at), "j M Y") if tender.published_at else "–"

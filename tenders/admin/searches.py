"""Saved searches: who is told of what, what it would find, and what it told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from core.admin import ModelAdmin, button, display, register
from core.audit import actor_of
from core.fragments import fragment_view
from tenders import actions
from tenders.alerts.wording import in_words, rhythm
from tenders.finding import Criteria
from tenders.forms import CriteriaForm, SavedSearchForm, criteria_of
from tenders.models import SavedSearch
from tenders.states import SearchStatus

STATES = {
    SearchStatus.ACTIVE.label: "success",
    SearchStatus.PAUSED.label: "warning",
}
PARTS = ("name", "kinds", "frequency", "hour", "weekday", "time_zone", "sender")
WORDS = ("all", "any", "exact", "none")
LIMITS = tuple(name for name in CriteriaForm.base_fields if name not in WORDS)


def is_not_active(_admin: Any, _request: HttpRequest, search: SavedSearch) -> str:
    return "" if search.status == SearchStatus.ACTIVE else "It does not look."


def is_not_paused(_admin: Any, _request: HttpRequest, search: SavedSearch) -> str:
    if search.status == SearchStatus.ENDED:
        return "Its owner ended it; only they begin it anew."
    return "" if search.status == SearchStatus.PAUSED else "It is not paused."


@register(SavedSearch)
class SavedSearchAdmin(ModelAdmin):
    """A saved search's page."""

    empty_text = (
        "Save what somebody asked to be told of: words, categories, regions. They get a letter."
    )
    form = SavedSearchForm
    list_display = ("name", "contact", "looks_for", "often", "state", "next_at")
    list_select_related = ("contact",)
    list_filter = ("status", "frequency")
    search_fields: ClassVar = ["name", "contact__email"]
    autocomplete_fields = ("contact", "sender")
    change_form_template = "tenders/saved_search.html"
    panel_template = "tenders/_saved_search.html"
    fieldsets: ClassVar = [
        (None, {"fields": ("name", "contact", "sender")}),
        ("Words", {"fields": WORDS}),
        ("Limits", {"fields": LIMITS}),
        (
            "What is told, and when",
            {"fields": ("kinds", "frequency", "hour", "weekday", "time_zone")},
        ),
    ]

    class Media:
        css: ClassVar = {"all": ["core/live.css", "tenders/admin.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("contact",) if obj else ()

    def save_model(
        self, request: HttpRequest, obj: SavedSearch, form: ModelForm[SavedSearch], change: bool
    ) -> None:
        """Write it through the same actions as every other door."""
        given = {name: form.cleaned_data[name] for name in PARTS}
        criteria, actor = criteria_of(form.cleaned_data), actor_of(request)
        if change:  # what this form does not ask for stays
            old = Criteria.from_json(obj.criteria)
            criteria = replace(
                criteria, published_from=old.published_from, published_to=old.published_to
            )
            actions.update_search(obj, actor=actor, criteria=criteria, **given)
        else:
            contact = form.cleaned_data["contact"]
            obj.pk = actions.create_search(
                actor=actor, criteria=criteria, contact=contact, **given
            ).pk
        obj.refresh_from_db()

    # --- a look before saving ----------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = fragment_view(self.admin_site, require_POST(self.preview_view))
        return [path("preview/", view, name=self.url_name("preview")), *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the form's criteria find of what is there; nothing is saved."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = CriteriaForm(request.POST)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            criteria = criteria_of(form.cleaned_data)
            context |= {"preview": actions.preview(criteria), "words": in_words(criteria)}
        return TemplateResponse(request, "tenders/_preview.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["preview_url"] = reverse(f"{self.admin_site.name}:{self.url_name('preview')}")
        return super().render_change_form(request, context, *args, **kwargs)

    # --- one search --------------------------------------------------------------------------

    def panel_context(self, request: HttpRequest, obj: SavedSearch) -> dict[str, Any]:
        return {
            "words": in_words(Criteria.from_json(obj.criteria)),
            "rhythm": rhythm(obj),
            "waiting": obj.matches.filter(digest=None).count(),
            "digests": obj.digests.select_related("message")[:20],
            "may_see_message": request.user.has_perm("messaging.view_message"),
        }

    @button(
        label="Pause",
        permission="change",
        icon="pause",
        confirm="It neither looks nor writes; what happens meanwhile is not told later.",
        why_not=is_not_active,
    )
    def pause(self, request: HttpRequest, search: SavedSearch) -> str:
        actions.pause_search(search, actor=actor_of(request))
        return "It is paused."

    @button(
        label="Resume",
        permission="change",
        icon="play_arrow",
        confirm="It tells what happens from now on.",
        why_not=is_not_paused,
    )
    def resume(self, request: HttpRequest, search: SavedSearch) -> str:
        actions.resume_search(search, actor=actor_of(request))
        return "It looks again."

    @button(
        label="End",
        permission="change",
        icon="cancel",
        is_danger=True,
        confirm="Its owner wants no more of it. Only they can begin it anew.",
        why_not=lambda _a, _r, search: "It is over." if search.status == SearchStatus.ENDED else "",
    )
    def end(self, request: HttpRequest, search: SavedSearch) -> str:
        actions.end_search(search, actor=actor_of(request))
        return "It is over; what waited was taken back."

    @display(description="Looks for")
    def looks_for(self, search: SavedSearch) -> str:
        return in_words(Criteria.from_json(search.criteria))

    @display(description="Writes")
    def often(self, search: SavedSearch) -> str:
        return rhythm(search)

    @display(description="Status", ordering="status", label=STATES)
    def state(self, search: SavedSearch) -> str:
        return search.get_status_display()

"""Funnels for staff: draft a version, write its steps, publish it, see it drawn."""

from __future__ import annotations

from typing import Any, ClassVar

from django.forms import ModelForm
from django.http import HttpRequest

from core.admin import ModelAdmin, TabularInline, button, display, register
from core.audit import actor_of
from funnels import actions
from funnels.actions.writing import STEP_PARTS, check_steps
from funnels.flow import flow_of
from funnels.models import Funnel, FunnelVersion, Step

PACE = ("name", "starts_per_minute", "at_once")


@register(Funnel)
class FunnelAdmin(ModelAdmin):
    """A funnel's page: the published version drawn, and the way to its draft."""

    empty_text = "manage.py install_funnels brings in the two standard ones. Or make one, write its steps, publish it."

    list_display = ("name", "version", "pace")
    search_fields: ClassVar = ["name"]
    fields = PACE
    panel_template = "funnels/_funnel.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "funnels/flow.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Funnel | None = None) -> bool:
        return False

    def panel_context(self, request: HttpRequest, obj: Funnel) -> dict[str, Any]:
        version = obj.published
        return {
            "version": version,
            "flow": flow_of(version) if version else [],
            "versions": obj.versions.order_by("-number"),
        }

    def save_model(
        self, request: HttpRequest, obj: Funnel, form: ModelForm[Funnel], change: bool
    ) -> None:
        """Write through the same actions as every other door."""
        given = {name: form.cleaned_data[name] for name in PACE}
        if change:
            actions.update_funnel(obj, actor=actor_of(request), **given)
        else:
            obj.pk = actions.create_funnel(**given, actor=actor_of(request)).pk
        obj.refresh_from_db()

    def has_draft_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.change_funnelversion")

    @button(
        label="Draft the next version",
        permission="draft",
        confirm="A copy of the newest version, to be changed and published. Who is on their way finishes on theirs.",
        icon="edit_note",
        is_primary=True,
    )
    def draft(self, request: HttpRequest, funnel: Funnel) -> str:
        version = actions.draft_version(funnel, actor=actor_of(request))
        return f"Version {version.number} is the draft: open it below."

    @display(description="Published")
    def version(self, funnel: Funnel) -> str:
        version = funnel.published
        return f"version {version.number}" if version else "–"

    @display(description="Pace")
    def pace(self, funnel: Funnel) -> str:
        if funnel.starts_per_minute is None:
            return "as fast as they come"
        return f"{funnel.starts_per_minute} people a minute"


class StepInline(TabularInline):
    """The steps of a version, in their order."""

    model = Step
    fields = STEP_PARTS

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and request.user.has_perm("funnels.change_funnelversion")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and request.user.has_perm("funnels.change_funnelversion")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and request.user.has_perm("funnels.change_funnelversion")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.view_funnelversion")


def is_draft(version: Any) -> bool:
    return isinstance(version, FunnelVersion) and version.published_at is None


def ask_to_publish(_admin: Any, _request: HttpRequest, version: FunnelVersion) -> str:
    """Return what publishing means; raise Refused where a step cannot go out."""
    check_steps(version, list(version.steps.select_related("email_template", "sms_template")))
    return (
        "Its steps and the present versions of its templates are frozen. Whoever enrolls from now on goes this way; "
        "whoever is on their way finishes on the version they began with."
    )


def why_not_publish(_admin: Any, _request: HttpRequest, version: FunnelVersion) -> str:
    return "" if is_draft(version) else "It is published."


@register(FunnelVersion)
class FunnelVersionAdmin(ModelAdmin):
    """A version's page: its steps, drawn and to be written while it is a draft."""

    empty_text = "Versions are made on the page of their funnel."

    list_display = ("__str__", "published_at", "published_by")
    list_filter = ("funnel",)
    fields = ("email_sender", "sms_sender")
    inlines: ClassVar = [StepInline]
    panel_template = "funnels/_version.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "funnels/flow.css"]}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or is_draft(obj)) and super().has_change_permission(request, obj)

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("funnels.launch_funnel")

    def panel_context(self, request: HttpRequest, obj: FunnelVersion) -> dict[str, Any]:
        return {"flow": flow_of(obj)}

    @button(
        label="Publish",
        permission="publish",
        confirm=ask_to_publish,
        why_not=why_not_publish,
        icon="publish",
        is_primary=True,
    )
    def publish(self, request: HttpRequest, version: FunnelVersion) -> str:
        actions.publish(version, actor=actor_of(request))
        return "It is published: whoever enrolls from now on goes this way."

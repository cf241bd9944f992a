"""Templates for staff: write, preview for a chosen person, and look at every version."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Max, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from core.admin import ModelAdmin, TabularInline, display, register
from core.audit import actor_of
from core.errors import Refused
from messaging.actions.templates import create_template, save_version
from messaging.addresses import normalise_email
from messaging.forms import TemplateForm
from messaging.models import Contact, Template, TemplateVersion
from messaging.previews import preview

# The message is somebody's HTML: no script, no form, no request but for its pictures.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)


class VersionHistory(TabularInline):
    """Every content this template had; nobody edits it."""

    model = TemplateVersion
    verbose_name_plural = "Versions"
    fields = readonly_fields = ("number", "subject", "created_by", "created_at")
    ordering = ("-number",)
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Template)
class TemplateAdmin(ModelAdmin):
    """A template's page: its preview, the content of its latest version, its history."""

    empty_text = "A template is the subject and text of a message, with variables such as {{ contact.first_name }}."

    form = TemplateForm
    fields = ("name", "channel", "subject", "html", "text")
    list_display = ("name", "channel", "version", "created_at")
    list_filter = ("channel",)
    search_fields: ClassVar = ["name"]
    ordering = ("name",)
    inlines = (VersionHistory,)
    panel_template = "messaging/_preview.html"

    class Media:
        css: ClassVar = {"all": ["messaging/preview.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return super().get_queryset(request).annotate(last_number=Max("versions__number"))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return super().get_inlines(request, obj) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "channel") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.frame_view))
        return [
            path("<path:object_id>/frame/", view, name=self.url_name("frame")),
            *super().get_urls(),
        ]

    def save_model(
        self, request: HttpRequest, obj: Template, form: ModelForm[Template], change: bool
    ) -> None:
        """Write through the same actions as every other door; other content is a new version."""
        assert isinstance(form, TemplateForm)
        actor = actor_of(request)
        if not change:
            made = create_template(
                name=form.cleaned_data["name"], channel=form.cleaned_data["channel"], actor=actor
            )
            obj.pk = made.pk
        save_version(Template.objects.get(pk=obj.pk), actor=actor, **form.content)

    @display(description="Version", ordering="last_number")
    def version(self, template: Any) -> str:
        return f"v{template.last_number}" if template.last_number else "empty"

    # --- the preview -------------------------------------------------------------------------

    def panel_context(self, request: HttpRequest, obj: Template) -> dict[str, Any]:
        latest = obj.latest
        wanted = request.GET.get("for", "").strip()
        contact = find_contact(wanted)
        frame = reverse(f"admin:{self.url_name('frame')}", args=[obj.pk])
        return {
            "version": latest,
            "preview": preview(latest, contact) if latest else None,
            "wanted": wanted,
            "is_unknown": bool(wanted) and contact is None,
            "frame_url": f"{frame}?for={contact.public_id if contact else ''}",
        }

    def frame_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the message alone, shut in: what stands in it cannot reach the admin."""
        template = self.object_or_404(request, object_id)
        assert isinstance(template, Template)
        latest = template.latest
        if latest is None:
            raise Http404("This template has no content yet.")
        shown = preview(latest, find_contact(request.GET.get("for", "")))
        html = shown.rendered.html if shown.rendered else ""
        return HttpResponse(html, headers={"Content-Security-Policy": FRAME_POLICY})


def find_contact(text: str) -> Contact | None:
    """Return the contact of an id or an e-mail address, if there is one."""
    try:
        if "@" in text:
            return Contact.objects.filter(email=normalise_email(text)).first()
        return Contact.from_public_id(text)
    except Refused:
        return None

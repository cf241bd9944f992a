"""Templates for staff: write, look at it as others will, send a test, and look at every version."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Max, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from core.admin import ModelAdmin, TabularInline, button, display, register
from core.audit import actor_of
from core.errors import Refused
from core.fragments import fragment_view
from messaging.actions.proofs import send_proof
from messaging.actions.templates import create_template, prepare_version, save_version
from messaging.admin.results import folded
from messaging.finding import contact_or_none
from messaging.forms import ProofForm, TemplateForm
from messaging.models import Contact, Proof, Sender, Template, TemplateVersion
from messaging.previews import in_scheme, preview
from messaging.proofreading import remarks_about
from messaging.results import results_of, streams_of_template

# The message is somebody's HTML: no script, no form, no request but for its pictures.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)
PROOFS_SHOWN = 5
SOURCE = ("subject", "preheader", "html", "text")


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


def why_no_test(_admin: Any, _request: HttpRequest, template: Template) -> str:
    return "" if template.latest else "It has no content yet."


@register(Template)
class TemplateAdmin(ModelAdmin):
    """A template's page: its preview, the content of its latest version, its history."""

    empty_text = (
        "A template is the subject and text of a message, with variables such as {{ contact.first_name }}. "
        "manage.py install_templates brings eleven that are ready to use."
    )

    form = TemplateForm
    fields = ("name", "channel", *SOURCE)
    list_display = ("name", "channel", "version", "created_at")
    list_filter = ("channel",)
    search_fields: ClassVar = ["name"]
    ordering = ("name",)
    inlines = (VersionHistory,)
    panel_template = "messaging/_preview.html"

    class Media:
        css: ClassVar = {"all": ["messaging/preview.css", "messaging/ledger.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return super().get_queryset(request).annotate(last_number=Max("versions__number"))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return super().get_inlines(request, obj) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "channel") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """An SMS has a text and nothing else."""
        return ("name", "channel", "text") if obj and obj.channel == "sms" else self.fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        frame = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.frame_view))
        any_preview = require_http_methods(["GET", "HEAD", "POST"])(self.preview_view)
        shown = fragment_view(self.admin_site, any_preview)
        return [
            path("<path:object_id>/frame/", frame, name=self.url_name("frame")),
            path("<path:object_id>/preview/", shown, name=self.url_name("preview")),
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
        version = save_version(Template.objects.get(pk=obj.pk), actor=actor, **form.content)
        for remark in remarks_about(version):
            messages.warning(request, remark)

    @display(description="Version", ordering="last_number")
    def version(self, template: Any) -> str:
        return f"v{template.last_number}" if template.last_number else "empty"

    def panel(self, request: HttpRequest, obj: Any) -> SafeString:
        """Return the preview, and below it what came of every send of this template."""
        results = results_of(streams_of_template(obj))
        return super().panel(request, obj) + folded(results)

    # --- the test ----------------------------------------------------------------------------

    @button(
        label="Send a test",
        permission="proof",
        form=ProofForm,
        confirm="One message, marked as a test, goes out through this sender. It asks for no consent and counts "
        "in no campaign.",
        why_not=why_no_test,
        icon="outgoing_mail",
    )
    def test(
        self,
        request: HttpRequest,
        template: Template,
        *,
        address: str,
        sender: Sender,
        contact: Contact | None,
    ) -> str:
        proof = send_proof(
            template, sender=sender, address=address, contact=contact, actor=actor_of(request)
        )
        return f"A test is on its way to {proof.address}."

    # --- the preview -------------------------------------------------------------------------

    def panel_context(self, request: HttpRequest, obj: Template) -> dict[str, Any]:
        latest = obj.latest
        wanted = request.GET.get("for", "").strip()
        contact = contact_or_none(wanted)
        is_dark = request.GET.get("scheme") == "dark"
        return {
            "version": latest,
            "preview": preview(latest, contact) if latest else None,
            "wanted": wanted,
            "is_unknown": bool(wanted) and contact is None,
            "is_phone": request.GET.get("width") == "phone",
            "is_dark": is_dark,
            "frame_url": self._frame_url(obj, contact, is_dark=is_dark),
            "preview_url": reverse(f"admin:{self.url_name('preview')}", args=[obj.pk]),
            "proofs": Proof.objects.filter(version__template=obj).order_by("-pk")[:PROOFS_SHOWN],
            "may_write": self.has_change_permission(request, obj),
        }

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the preview anew, for another person, width or scheme; the form keeps what was typed.

        GET shows the latest version; POST shows what was typed, and keeps nothing of it.
        """
        template = self.object_or_404(request, object_id)
        assert isinstance(template, Template)
        context = self.panel_context(request, template)
        if request.method == "POST":
            context |= self._typed_context(request, template)
        return HttpResponse(render_to_string(self.panel_template, context, request))

    def _typed_context(self, request: HttpRequest, template: Template) -> dict[str, Any]:
        try:
            version = typed_version(request, template)
        except Refused as refusal:
            return {"refusal": str(refusal)}
        contact = contact_or_none(request.GET.get("for", ""))
        return {"version": version, "preview": preview(version, contact), "is_typed": True}

    def frame_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the message alone, shut in: what stands in it cannot reach the admin.

        GET shows the latest version; POST shows what was typed, and keeps nothing of it.
        """
        template = self.object_or_404(request, object_id)
        assert isinstance(template, Template)
        is_dark = request.GET.get("scheme") == "dark"
        html = in_scheme(self._framed(request, template), is_dark=is_dark)
        return HttpResponse(html, headers={"Content-Security-Policy": FRAME_POLICY})

    def _framed(self, request: HttpRequest, template: Template) -> str:
        version: TemplateVersion | None = template.latest
        if request.method == "POST":
            try:
                version = typed_version(request, template)
            except Refused as refusal:
                return in_words(str(refusal))
        if version is None:
            return in_words("This template has no content yet.")
        shown = preview(version, contact_or_none(request.GET.get("for", "")))
        if shown.rendered is None:
            return in_words(shown.problem)
        return shown.rendered.html or in_words(shown.rendered.text)

    def _frame_url(self, template: Template, contact: Contact | None, *, is_dark: bool) -> str:
        frame = reverse(f"admin:{self.url_name('frame')}", args=[template.pk])
        who = contact.public_id if contact else ""
        return f"{frame}?for={who}&scheme={'dark' if is_dark else 'light'}"


def typed_version(request: HttpRequest, template: Template) -> TemplateVersion:
    """Return what was typed into the form as a version that nobody keeps; raise Refused."""
    typed = {name: request.POST.get(name, "") for name in SOURCE}
    return prepare_version(template, actor=actor_of(request), **typed)


def in_words(text: str) -> SafeString:
    """Return a page that holds a text and nothing else."""
    return format_html(
        '<meta name="color-scheme" content="light dark">'
        '<p style="font: 16px/1.6 system-ui, sans-serif; padding: 1rem; white-space: pre-wrap">{}</p>',
        text,
    )

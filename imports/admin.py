"""Imports for staff: load a file, watch it, see what was not taken and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from core.admin import ModelAdmin, ReadOnlyModelAdmin, display, register
from core.audit import actor_of
from core.errors import Refused
from imports.actions import start_import
from imports.files import received
from imports.forms import UploadForm
from imports.models import ImportBatch, ImportRejection

UPLOAD_FIELDS = ("file", "list_name", "consent_source", "consent_wording")
SHOWN_ISSUES = 50


@register(ImportBatch)
class ImportBatchAdmin(ModelAdmin):
    """An import's page: a form to load a file; from then on its progress and what was rejected."""

    form = UploadForm
    list_display = (
        "file_name",
        "state",
        "total",
        "created",
        "updated",
        "unchanged",
        "rejected",
        "created_at",
    )
    ordering = ("-pk",)
    search_fields: ClassVar = ["file_name"]
    list_select_related = ("run",)
    panel_template = "imports/_import.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportBatch]:
        return super().get_queryset(request).select_related("run", "contact_list")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        facts = (
            "file_name",
            "size",
            "encoding",
            "contact_list",
            "consent_source",
            "consent_wording",
            "default_region",
            "actor",
        )
        return facts if obj else UPLOAD_FIELDS

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: ImportBatch, form: ModelForm[ImportBatch], change: bool
    ) -> None:
        """Start the import through the same action as the command."""
        upload = form.cleaned_data["file"]
        with received(upload.chunks()) as path:
            batch = start_import(
                path,
                file_name=upload.name,
                list_name=form.cleaned_data["list_name"],
                consent_source=form.cleaned_data["consent_source"],
                consent_wording=form.cleaned_data["consent_wording"],
                actor=actor_of(request),
            )
        obj.pk = batch.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: ImportBatch, post_url_continue: Any = None
    ) -> HttpResponse:
        """Go on to the page that shows how it goes."""
        messages.success(request, f"{obj.row_count:,} rows of {obj} are being imported.")
        return HttpResponseRedirect(f"../{obj.pk}/change/")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show why a file could not be taken, with nothing changed."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    @display(description="Status")
    def state(self, batch: ImportBatch) -> str:
        return batch.run.get_status_display() if batch.run else "—"

    def is_live(self, obj: ImportBatch) -> bool:
        return obj.run is not None and not obj.run.is_over

    def panel_context(self, request: HttpRequest, obj: ImportBatch) -> dict[str, Any]:
        issues = obj.rejections.order_by("-is_whole_row", "line", "pk")
        return {
            "state": self.state(obj),
            "error": (obj.run.error or {}).get("message", "") if obj.run else "",
            "issues": issues[:SHOWN_ISSUES],
            "issue_count": obj.rejected + obj.values_left_out,
        }


@register(ImportRejection)
class ImportRejectionAdmin(ReadOnlyModelAdmin):
    """Every row and value that an import did not take."""

    list_display = ("batch", "line", "column", "code", "value", "message", "is_whole_row")
    list_filter = ("is_whole_row", "code")
    list_select_related = ("batch",)
    show_full_result_count = False
    ordering = ("-batch", "line")

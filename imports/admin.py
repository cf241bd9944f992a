"""Imports for staff: load a file, watch it, see what was not taken and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from core.admin import ModelAdmin, ReadOnlyModelAdmin, register
from core.audit import actor_of
from imports.actions import create_batch, store_upload
from imports.forms import UploadForm
from imports.models import CsvBatch, CsvRow
from imports.reports import report
from imports.states import Go

UPLOAD_FIELDS = ("file", "list_name", "consent_source", "consent_wording")
FACTS = ("file_name", "target", "mode", "match", "actor", "created_at")


@register(CsvBatch)
class CsvBatchAdmin(ModelAdmin):
    """An import's page: a form to load a file; from then on its progress and what was not taken."""

    empty_text = (
        "Upload a file with a column of e-mail addresses. Everybody in it becomes a contact."
    )

    form = UploadForm
    list_display = ("file_name", "status", "total", "created", "updated", "unchanged", "failed")
    ordering = ("-pk",)
    search_fields: ClassVar = ["file_name"]
    list_select_related = ("run",)
    panel_template = "imports/_import.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return FACTS if obj else UPLOAD_FIELDS

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: CsvBatch, form: ModelForm[CsvBatch], change: bool
    ) -> None:
        """Start the import through the same action as the command."""
        upload = form.cleaned_data["file"]
        batch = create_batch(
            store_upload(upload.chunks()),
            file_name=upload.name,
            target="contacts",
            actor=actor_of(request),
            go=Go.IMPORT,
            options={
                name: form.cleaned_data[name]
                for name in ("list_name", "consent_source", "consent_wording")
            },
        )
        obj.pk = batch.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: CsvBatch, post_url_continue: Any = None
    ) -> HttpResponse:
        """Go on to the page that shows how it goes."""
        messages.success(request, f"{obj} is being imported.")
        return HttpResponseRedirect(f"../{obj.pk}/change/")

    def is_live(self, obj: CsvBatch) -> bool:
        return obj.is_moving

    def panel_context(self, request: HttpRequest, obj: CsvBatch) -> dict[str, Any]:
        return {"report": report(obj), "may_see_run": request.user.has_perm("jobs.view_run")}


@register(CsvRow)
class CsvRowAdmin(ReadOnlyModelAdmin):
    """What became of every row."""

    empty_text = "Rows of imports are listed here with their line and what became of them."

    list_display = ("line", "status", "error_column", "error_value", "error_message", "batch")
    list_filter = ("status", "batch")
    list_select_related = ("batch",)
    show_full_result_count = False
    ordering = ("-batch", "number")

"""Imports for staff: load a file, watch it, see what was not taken and why."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core.admin import ModelAdmin, ReadOnlyModelAdmin, display, register
from core.audit import actor_of
from imports.actions import start_import
from imports.files import received
from imports.forms import UploadForm
from imports.models import ImportBatch, ImportRejection

UPLOAD_FIELDS = ("file", "list_name", "consent_source", "consent_wording")
SHOWN_ISSUES = 50


@register(ImportBatch)
class ImportBatchAdmin(ModelAdmin):
    """An import's page: a form to load a file; from then on its progress and what was rejected."""

    empty_text = (
        "Upload a CSV file with a column of e-mail addresses. Everybody in it becomes a contact."
    )

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
            "contact_list",
            "size",
            "encoding",
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
        messages.success(request, f"{obj} is being imported. Rows: {obj.row_count:,}.")
        return HttpResponseRedirect(f"../{obj.pk}/change/")

    @display(description="Status")
    def state(self, batch: ImportBatch) -> str:
        return batch.run.get_status_display() if batch.run else "—"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer one way on: there is nothing to edit afterwards."""
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def is_live(self, obj: ImportBatch) -> bool:
        return obj.run is not None and not obj.run.is_over

    def panel_context(self, request: HttpRequest, obj: ImportBatch) -> dict[str, Any]:
        issues = obj.rejections.order_by("-is_whole_row", "line", "pk")
        return {
            "figures": figures_of(obj),
            "state": self.state(obj),
            "error": (obj.run.error or {}).get("message", "") if obj.run else "",
            "issues": issues[:SHOWN_ISSUES],
            "issue_count": obj.rejected + obj.values_left_out,
            "issues_url": issues_of(obj),
            "may_see_run": request.user.has_perm("jobs.view_run"),
        }


def issues_of(batch: ImportBatch, **filters: int) -> str:
    """Return the address of the list of what was not taken."""
    query = urlencode({"batch__id__exact": batch.pk, **filters})
    return f"{reverse('admin:imports_importrejection_changelist')}?{query}"


def figures_of(batch: ImportBatch) -> list[tuple[str, int, str]]:
    """Return what came of the rows: a word, a number, and the list behind it where there is one."""
    figures = [
        ("Created", batch.created, ""),
        ("Updated", batch.updated, ""),
        ("Unchanged", batch.unchanged, ""),
        ("Rejected", batch.rejected, issues_of(batch, is_whole_row__exact=1)),
        ("Values left out", batch.values_left_out, issues_of(batch, is_whole_row__exact=0)),
    ]
    if batch.consent_source:
        figures.append(("Gave consent", batch.consents_given, ""))
    if batch.consents_kept_withdrawn:
        figures.append(("Had withdrawn it, and keep it so", batch.consents_kept_withdrawn, ""))
    return figures


@register(ImportRejection)
class ImportRejectionAdmin(ReadOnlyModelAdmin):
    """Every row and value that an import did not take."""

    empty_text = (
        "Rows and values that an import cannot take are listed here with their line and the reason."
    )

    list_display = ("line", "column", "value", "message", "is_whole_row", "batch")
    list_filter = ("is_whole_row", "code", "batch")
    fields = ("batch", "line", "column", "value", "message", "is_whole_row")
    list_select_related = ("batch",)
    show_full_result_count = False
    ordering = ("-batch", "line")

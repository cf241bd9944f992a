"""Imports for staff: the list, and a batch's page with its check, its progress, its report."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import ModelAdmin, button, display, register
from core.audit import actor_of
from imports import actions, moves, targets
from imports.actions.aftermath import tried_again_in, why_never_undone
from imports.actions.running import why_not_resumed
from imports.admin.upload import UploadPage
from imports.admin.wizard import WizardPages
from imports.copies import why_forgotten
from imports.downloads import error_file_view
from imports.live import panel_of
from imports.looks import look_of
from imports.models import CsvBatch
from imports.states import BatchStatus

#: What may be pressed in each status; the page shows these and no others.
BUTTONS = {
    BatchStatus.READING: {"cancel"},
    BatchStatus.MAPPING: {"cancel"},
    BatchStatus.CHECKING: {"cancel"},
    BatchStatus.READY: {"cancel"},
    BatchStatus.IMPORTING: {"pause", "cancel"},
    BatchStatus.PAUSED: {"resume", "cancel"},
    BatchStatus.COMPLETED: {"retry", "undo"},
    BatchStatus.FAILED: {"resume", "cancel", "undo"},
    BatchStatus.CANCELLED: {"retry", "undo"},
    BatchStatus.UNDOING: {"undo"},
}


def nothing_failed(_admin: Any, _request: HttpRequest, batch: CsvBatch) -> str:
    if again := tried_again_in(batch):
        return f"They are tried again in {again.public_id}."
    return why_forgotten(batch) or ("" if batch.failed else "No row failed.")


def nothing_written(_admin: Any, _request: HttpRequest, batch: CsvBatch) -> str:
    if batch.status == BatchStatus.UNDOING and not moves.has_lost_its_run(batch):
        return "It is being undone."
    never = why_never_undone(batch) or why_forgotten(batch)
    if never or batch.succeeded or batch.rows.undoable().exists():
        return never
    return "It has changed nothing."


def being_undone(_admin: Any, _request: HttpRequest, batch: CsvBatch) -> str:
    return why_forgotten(batch) or why_not_resumed(batch)


def ask_to_retry(_admin: Any, _request: HttpRequest, batch: CsvBatch) -> str:
    return (
        f"{batch.failed:,} rows are tried again as they stand in the file, in an import of their own. "
        "To correct them first, download the file of errors and import that."
    )


def ask_to_undo(_admin: Any, _request: HttpRequest, batch: CsvBatch) -> str:
    unmade = targets.get(batch.target).unmade
    told = (
        f"The {batch.created:,} that it created {unmade}." if batch.created else "",
        f"The {batch.updated:,} that it updated get back what stood there."
        if batch.updated
        else "",
        "What somebody has edited since is left alone, and listed.",
    )
    return " ".join(filter(None, told))


@register(CsvBatch)
class CsvBatchAdmin(UploadPage, WizardPages, ModelAdmin):
    """An import's page: what it would do, how it goes, what came of it."""

    empty_text = "Upload a spreadsheet. You see how it is read and what it would do before anything is changed."
    list_display = ("file_name", "state", "into", "progress", "rejected", "created_at")
    list_filter = ("status", "target")
    search_fields: ClassVar = ["file_name"]
    ordering = ("-pk",)
    change_form_template = "imports/batch.html"
    panel_template = "imports/_batch.html"

    class Media:
        css: ClassVar = {"all": ["core/live.css", "imports/wizard.css"]}

    def get_urls(self) -> list[URLPattern]:
        errors = self.admin_site.admin_view(error_file_view(self))
        download = path("<path:object_id>/errors/", errors, name="imports_csvbatch_errors")
        return [self.upload_url(), download, *self.wizard_urls(), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CsvBatch]:
        return super().get_queryset(request).select_related("run", "file", "parent")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The panel says everything; there is no form."""
        return ()

    # --- the buttons -------------------------------------------------------------------------

    def buttons_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        allowed = BUTTONS.get(BatchStatus(obj.status), set())
        found = super().buttons_for(request, obj)
        return [entry for entry in found if entry["button"].name in allowed]

    @button(label="Start the import", permission="run", is_primary=True)
    def start(self, request: HttpRequest, batch: CsvBatch) -> str:
        """Pressed in the panel, below what the check has found; so it asks no more."""
        actions.start_batch(batch, actor=actor_of(request))
        return "The import has begun."

    @button(
        label="Pause",
        permission="run",
        icon="pause",
        confirm="The rows in hand are finished; the others wait until you resume.",
    )
    def pause(self, request: HttpRequest, batch: CsvBatch) -> str:
        actions.pause_batch(batch, actor=actor_of(request))
        return "It is paused."

    @button(
        label="Resume",
        permission="run",
        icon="play_arrow",
        is_primary=True,
        confirm="It goes on with the next row.",
        why_not=being_undone,
    )
    def resume(self, request: HttpRequest, batch: CsvBatch) -> str:
        actions.resume_batch(batch, actor=actor_of(request))
        return "It goes on."

    @button(
        label="Retry failed rows",
        permission="run",
        icon="refresh",
        confirm=ask_to_retry,
        why_not=nothing_failed,
    )
    def retry(self, request: HttpRequest, batch: CsvBatch) -> str:
        child = actions.retry_failed(batch, actor=actor_of(request))
        return f"{child.public_id} tries them again; it stands first in the list of imports."

    @button(
        label="Undo",
        permission="undo",
        icon="undo",
        confirm=ask_to_undo,
        why_not=nothing_written,
        is_danger=True,
    )
    def undo(self, request: HttpRequest, batch: CsvBatch) -> str:
        actions.undo_batch(batch, actor=actor_of(request))
        return "It is being undone."

    @button(
        label="Cancel",
        permission="run",
        icon="cancel",
        confirm="It stops before the next row, for good. Rows already imported stay; undo takes them back.",
        is_danger=True,
    )
    def cancel(self, request: HttpRequest, batch: CsvBatch) -> str:
        actions.cancel_batch(batch, actor=actor_of(request))
        return "It is cancelled."

    # --- the panel ---------------------------------------------------------------------------

    def is_live(self, obj: CsvBatch) -> bool:
        return obj.is_moving

    def panel_context(self, request: HttpRequest, obj: CsvBatch) -> dict[str, Any]:
        return {
            "panel": panel_of(obj),
            "may_run": self.allows(request, "run", obj),
            "may_map": self.has_add_permission(request),
            "may_see_run": request.user.has_perm("jobs.view_run"),
            "start_url": reverse("admin:imports_csvbatch_start", args=[obj.pk]),
        }

    # --- the list ----------------------------------------------------------------------------

    @display(description="Status", ordering="status")
    def state(self, batch: CsvBatch) -> SafeString:
        look = look_of(batch)
        return format_html(
            '<span class="live-list live-list--{}"><span class="material-symbols-outlined" '
            'aria-hidden="true">{}</span>{}</span>',
            look.tone,
            look.icon,
            look.word,
        )

    @display(description="Into", ordering="target")
    def into(self, batch: CsvBatch) -> SafeString:
        return format_html('<span class="live-list">{}</span>', batch.target.replace("_", " "))

    @display(description="Failed", ordering="failed")
    def rejected(self, batch: CsvBatch) -> str:
        return f"{batch.failed:,}"

    @display(description="Rows")
    def progress(self, batch: CsvBatch) -> SafeString | str:
        if not batch.total:
            return "–"
        if batch.status != BatchStatus.IMPORTING:
            return f"{batch.processed:,} of {batch.total:,}"
        return format_html(
            '<span class="live-list"><progress max="{}" value="{}" aria-label="Imported"></progress>{} %</span>',
            batch.total,
            batch.processed,
            batch.processed * 100 // batch.total,
        )

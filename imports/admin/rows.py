"""The rows of imports: what became of each, and why."""

from __future__ import annotations

from typing import ClassVar

from core.admin import ReadOnlyModelAdmin, register
from core.paging import CappedPaginator
from imports.models import CsvRow


@register(CsvRow)
class CsvRowAdmin(ReadOnlyModelAdmin):
    """Every row that an import has dealt with."""

    empty_text = (
        "What became of each row of an import is listed here, with the line and the reason."
    )

    list_display = (
        "line",
        "status",
        "effect",
        "error_column",
        "error_value",
        "error_message",
        "batch",
    )
    list_filter = ("status", "effect", "undo")
    fields = (
        "batch",
        "number",
        "line",
        "status",
        "effect",
        "attempts",
        "error_code",
        "error_column",
        "error_value",
        "error_message",
        "issues",
        "object_id",
        "undo",
    )
    list_select_related = ("batch",)
    list_display_links = ("line",)
    ordering: ClassVar = ("-pk",)
    paginator = CappedPaginator
    show_full_result_count = False

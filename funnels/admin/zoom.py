"""What Zoom told, for staff who wonder."""

from __future__ import annotations

from core.admin import ReadOnlyModelAdmin, register
from core.paging import CappedPaginator
from funnels.models import ZoomNotice


@register(ZoomNotice)
class ZoomNoticeAdmin(ReadOnlyModelAdmin):
    """One webhook as it came, and what became of it."""

    empty_text = "Nothing was heard of Zoom yet. docs/operations.md says how to be told."

    list_display = ("received_at", "kind", "event", "registration", "note")
    list_filter = ("kind",)
    list_select_related = ("event", "registration__contact", "registration__event")
    paginator = CappedPaginator
    show_full_result_count = False

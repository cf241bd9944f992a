"""Windows that staff give up, and take up again."""

from __future__ import annotations

from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from tenders.models import SyncWindow
from tenders.planning import locked, move_cursor
from tenders.states import GAPS, WindowStatus


@transaction.atomic
def close_window(window: SyncWindow, *, reason: str, actor: str) -> SyncWindow:
    """Give a gap up, for a reason: the cursor passes it. Raises Conflict where it is no gap."""
    if not reason.strip():
        raise Refused(
            "Nobody would know why this window was given up.",
            field="reason",
            value=reason,
            remedy="Say it in a sentence.",
        )
    locked(window.source)
    closed = SyncWindow.objects.filter(pk=window.pk, status__in=GAPS).update(
        status=WindowStatus.CLOSED, closed_by=actor, closed_reason=reason.strip()[:500]
    )
    window.refresh_from_db()
    if not closed:
        raise Conflict(
            f"The window {window} is {window.get_status_display().lower()}.",
            field="status",
            value=window.status,
            remedy="Only an open window can be given up.",
        )
    move_cursor(window.source)
    audit.record("tender_window.closed", window, actor=actor, reason=window.closed_reason)
    return window


@transaction.atomic
def reopen_window(window: SyncWindow, *, actor: str) -> SyncWindow:
    """Take a given-up window up again: the next sync fetches it. Raises Conflict where nobody gave it up."""
    locked(window.source)
    rows = SyncWindow.objects.filter(pk=window.pk, status=WindowStatus.CLOSED)
    reopened = rows.update(
        status=WindowStatus.OPEN, closed_by="", closed_reason="", next_attempt_at=None, failures=0
    )
    window.refresh_from_db()
    if not reopened:
        raise Conflict(
            f"The window {window} is {window.get_status_display().lower()}.",
            field="status",
            value=window.status,
            remedy="Only a window that was given up can be taken up again.",
        )
    move_cursor(window.source)
    audit.record("tender_window.reopened", window, actor=actor)
    return window

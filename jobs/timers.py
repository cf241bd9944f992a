"""Wakes runs whose time has come."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from core import clock
from core.sql import Literal
from jobs.database import hot, is_postgres, still
from jobs.models import Run
from jobs.states import RunStatus

WAITING = Literal(RunStatus.WAITING)


def next_due() -> datetime | None:
    """Return when the next waiting run wakes."""
    waiting = Run.objects.filter(status=WAITING, due_at__isnull=False)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def promote_due(*, limit: int = 200) -> int:
    """Make waiting runs ready whose time has come, never early. Returns how many."""
    now = connection.ops.adapt_datetimefield_value(clock.now())
    lock = "FOR UPDATE SKIP LOCKED" if is_postgres() else ""
    woken = hot(
        f"UPDATE jobs_run SET status = 'ready' WHERE {still('waiting')} AND id IN"  # noqa: S608
        " (SELECT id FROM jobs_run WHERE status = 'waiting' AND due_at <= %s"
        f" ORDER BY due_at LIMIT {limit:d} {lock}) RETURNING id",
        [now],
    )
    return len(woken)

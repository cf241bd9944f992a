"""Wakes runs whose time has come."""

from __future__ import annotations

from datetime import datetime

from core import clock
from core.sql import Literal
from jobs.models import Run
from jobs.states import RunStatus

WAITING = Literal(RunStatus.WAITING)


def next_due() -> datetime | None:
    """Return when the next waiting run wakes."""
    waiting = Run.objects.filter(status=WAITING, due_at__isnull=False)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def promote_due(*, limit: int = 200) -> int:
    """Make waiting runs ready whose time has come, never early. Returns how many."""
    due = Run.objects.filter(status=WAITING, due_at__lte=clock.now())
    first = list(due.order_by("due_at").values_list("pk", flat=True)[:limit])
    if not first:
        return 0
    return due.filter(pk__in=first).update(status=RunStatus.READY)

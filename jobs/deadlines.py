"""Fails the runs that should have been over by now and that no worker drives; the others are stopped where they are."""

from __future__ import annotations

from core import clock
from core.sql import Literal
from jobs.endings import fail_run
from jobs.models import Run
from jobs.states import ACTIVE, AT_REST

LATE = {
    "type": "DeadlinePassed",
    "message": "The run was not over by its deadline.",
    "traceback": "",
    "step": "",
}
_ACTIVE = [Literal(status) for status in sorted(ACTIVE)]


def enforce(*, limit: int = 100) -> int:
    """Fail what is late; returns how many."""
    late = Run.objects.filter(status__in=_ACTIVE, deadline_at__lte=clock.now())
    first = list(late.order_by("deadline_at").filter(status__in=AT_REST)[:limit])
    return sum(fail_run(run, among=Run.objects.at_rest(), error=LATE) for run in first)

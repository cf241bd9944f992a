"""Many runs at once: woken and cancelled in a few statements, however many there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from core import clock
from jobs import endings, wakeup
from jobs.models import Run
from jobs.states import RunStatus


def wake_runs(ids: Collection[UUID], *, and_begin: bool = False, behind: float = 0) -> int:
    """Let those of these runs that wait look again at what they wait for; return how many did.

    With `and_begin` those whose start was to come later begin now, but for those that a throttle put off. They go
    behind whatever is started within the next `behind` seconds: thousands at once keep nobody else waiting.
    """
    waiting = Run.objects.filter(pk__in=ids, status=RunStatus.WAITING)
    begun = Q(started_at__isnull=False)
    waiting = waiting.filter(begun | Q(is_admitted=False) if and_begin else begun)
    turn = clock.now() + timedelta(seconds=behind)
    woken = waiting.update(status=RunStatus.READY, due_at=None, sort_at=turn)
    if woken:
        wakeup.notify("main")
    return woken


def cancel_runs(ids: Collection[UUID], *, by: str) -> int:
    """End runs: at once where no worker drives them, else at their next checkpoint; return how many were not over."""
    return len(endings.request_cancels(ids, by=by))

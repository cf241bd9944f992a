"""Many runs at once: woken and cancelled in a few statements, however many there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Q, Value, When

from core import clock
from jobs import endings, wakeup
from jobs.models import Run
from jobs.states import RunStatus

BEGUN = Q(started_at__isnull=False)
#: They read what they go by before they sleep, and may have read it already.
ABOUT_TO_SLEEP = (RunStatus.READY, RunStatus.CLAIMED, RunStatus.RUNNING)


def wake_runs(ids: Collection[UUID], *, and_begin: bool = False, behind: float = 0) -> int:
    """Let those of these runs that wait look again at what they wait for; return how many did.

    With `and_begin` those whose start was to come later begin now, but for those that a throttle put off. They go
    behind whatever is started within the next `behind` seconds: thousands at once keep nobody else waiting.
    """
    reached = BEGUN | Q(is_admitted=False) if and_begin else BEGUN
    woken = look_again(ids, reached, turn=clock.now() + timedelta(seconds=behind))
    if woken:
        wakeup.notify("main")
    return woken


@transaction.atomic
def look_again(ids: Collection[UUID], reached: Q, *, turn: datetime | None = None) -> int:
    """Make ready those of these runs that wait, and return how many; whoever is about to sleep looks once more before.

    One statement does both, so that nobody falls asleep in between on what the caller's transaction has just changed.
    """
    among = Run.objects.filter(pk__in=ids)
    waits = Q(status=RunStatus.WAITING)
    among.filter(waits & reached | Q(status__in=ABOUT_TO_SLEEP)).update(
        is_woken=Case(When(waits, then=False), default=True),
        due_at=Case(When(waits, then=Value(None, DateTimeField())), default=F("due_at")),
        sort_at=Case(When(waits, then=turn or F("sort_at")), default=F("sort_at")),
        status=Case(When(waits, then=Value(RunStatus.READY)), default=F("status")),
    )
    return among.filter(status=RunStatus.READY, is_woken=False).count()


def cancel_runs(ids: Collection[UUID], *, by: str) -> int:
    """End runs: at once where no worker drives them, else at their next checkpoint; return how many were not over."""
    return len(endings.request_cancels(ids, by=by))

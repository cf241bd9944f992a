"""Wakes the runs that wait for events. Each then looks for itself what came: a needless wake does no harm."""

from __future__ import annotations

from jobs import wakeup
from jobs.models import EventKey, Run, Wait, WaitKind
from jobs.states import RunStatus


def wake_runs(keys: list[EventKey]) -> int:
    """Make ready, in one statement, every run that waits for one of these keys; return how many."""
    if not keys:
        return 0
    waits = Wait.objects.filter(kind=WaitKind.WAKE, key__in={key.key for key in keys})
    waiting = Run.objects.filter(status=RunStatus.WAITING, pk__in=waits.values("run"))
    woken = waiting.update(status=RunStatus.READY, due_at=None)
    if woken:
        queues = Run.objects.filter(pk__in=waits.values("run")).order_by().values_list("queue")
        for (queue,) in queues.distinct():
            wakeup.notify(queue)
    return woken

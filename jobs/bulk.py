"""Many runs at once: woken and cancelled in a few statements, however many there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from core import clock
from jobs import endings, registry, slots, wakeup
from jobs.models import Run, Wait
from jobs.states import AT_REST, OVER, RunStatus


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


@transaction.atomic
def cancel_runs(ids: Collection[UUID], *, by: str) -> int:
    """End runs: at once where no worker drives them, else at their next checkpoint; return how many were not over."""
    slots.lock()
    asked = {"cancel_requested_at": clock.now(), "cancel_requested_by": by}
    heard = [each.name for each in registry.everything() if each.on_cancel]
    alone = Run.objects.filter(~Exists(Run.objects.filter(parent=OuterRef("pk"))), pk__in=ids)
    at_rest = alone.filter(parent=None, status__in=AT_REST).exclude(workflow__in=heard)
    ended = at_rest.update(
        status=RunStatus.CANCELLED,
        finished_at=clock.now(),
        singleton_key="",
        worker_id=None,
        lease_until=None,
        **asked,
    )
    Wait.objects.filter(run__in=ids, run__status=RunStatus.CANCELLED).delete()
    others = Run.objects.filter(pk__in=ids).exclude(status__in=OVER)
    return ended + sum(endings.request_cancel(run, by=by) for run in others.order_by("pk"))

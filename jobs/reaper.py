"""Gives back the runs of processes that died, and counts crashes apart from failures.

It is part of every broker loop and of every supervisor, so it cannot itself get stuck in a queue.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import F

from jobs import processes, slots
from jobs.endings import cancel_run, fail_run
from jobs.models import Run, RunQuerySet, WorkerProcess
from jobs.states import RunStatus

MAX_CRASHES = 3
CRASH_LOOP = {
    "type": "CrashLoop",
    "message": f"The worker process died {MAX_CRASHES} times at the same place, without progress in between.",
    "traceback": "",
    "step": "",
}


def reap_expired(*, limit: int = 100) -> int:
    """Free the runs whose holder has not been heard of for a whole lease. Returns how many."""
    expired = Run.objects.with_expired_lease().values_list("pk", flat=True)[:limit]
    return sum(_free(run_id, Run.objects.with_expired_lease()) for run_id in list(expired))


def bury_dead_processes(*, is_crash: bool = True) -> int:
    """Free the runs of this host's processes that are no more, at once. Returns how many.

    Where the supervisor itself ended them, that was no crash of the run.
    """
    here = WorkerProcess.objects.filter(host=processes.HOST)
    dead = [p.pk for p in here if not processes.is_alive(p.pid, born=p.born)]
    if not dead:
        return 0
    freed = _free_held_by(dead, is_crash=is_crash)
    WorkerProcess.objects.filter(pk__in=dead).delete()
    return freed


def give_back(run_id: uuid.UUID, *, epoch: int) -> bool:
    """Free a run whose driver cannot go on, through no fault of the run; False where somebody else holds it by now."""
    held = Run.objects.held().filter(epoch=epoch)
    return _free(run_id, held, is_crash=False)


def return_claims(worker_id: uuid.UUID) -> int:
    """Make ready again what a broker loop claimed and nobody has taken up. Returns how many.

    A task that is on its way to the pool after all finds its claim gone.
    """
    claimed = Run.objects.held().filter(status=RunStatus.CLAIMED, worker_id=worker_id)
    return sum(_free(run_id, claimed) for run_id in list(claimed.values_list("pk", flat=True)))


def _free_held_by(worker_ids: list[uuid.UUID], *, is_crash: bool) -> int:
    held = Run.objects.held().filter(worker_id__in=worker_ids)
    ids = list(held.values_list("pk", flat=True))
    return sum(_free(run_id, held, is_crash=is_crash) for run_id in ids)


def _free(run_id: uuid.UUID, among: RunQuerySet, *, is_crash: bool = True) -> bool:
    """Give one run back: a claim that never started as it was, a running run with one crash more."""
    run = among.filter(pk=run_id).first()
    if run is None:
        return False
    with slots.releasing(tuple(run.slots)), transaction.atomic():
        one = among.filter(pk=run_id, epoch=run.epoch)
        lease = {"worker_id": None, "lease_until": None}
        if one.filter(status=RunStatus.CLAIMED).update(status=RunStatus.READY, **lease):
            return True
        running = one.filter(status=RunStatus.RUNNING)
        if cancel_run(run, among=running.filter(cancel_requested_at__isnull=False)):
            return True
        again = running.filter(crashes__lt=MAX_CRASHES - 1) if is_crash else running
        if again.update(status=RunStatus.READY, crashes=F("crashes") + int(is_crash), **lease):
            return True
        return fail_run(run, among=running, error=CRASH_LOOP)

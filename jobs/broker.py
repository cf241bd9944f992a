"""The queue that Django-Q2 sees: the run table itself, behind its broker class.

Django-Q2's pusher process calls `dequeue` for ever; each call claims a ready run and hands the pool one small task
for it. Plain `async_task` goes through Django-Q2's own table beside it. An exception here would cost ten seconds, so
none leaves.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from core import clock
from core.ids import uuid7
from jobs import deadlines, heartbeat, reaper, schedules, slots, timers, wakeup
from jobs.events import dispatching
from jobs.leases import Lease, claim
from jobs.models import ProcessKind, WorkerProcess

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.25
TICK_SECONDS = 1.0
#: New events take effect once nothing is to be claimed, and that often where something always is.
DISPATCH_SECONDS = 0.05
RECOVERY_SECONDS = 0.5

#: What every loop does once a second.
CHORES = (
    reaper.bury_dead_processes,
    reaper.reap_expired,
    deadlines.enforce,
    slots.sweep,
    schedules.fire_due,
)

Tasks = list[tuple[Any, str]]


class RunBroker(ORM):
    """Cheap to make: a web process makes one per `async_task`. The loop's state is born at the first `dequeue`."""

    _loop: Loop | None = None
    #: The same after a lost database, so that claims are found again.
    _worker_id: uuid.UUID | None = None

    def dequeue(self) -> Tasks | None:
        try:
            if self._loop is None:
                self._worker_id = self._worker_id or uuid7()
                self._loop = Loop(self.list_key, worker_id=self._worker_id)
            return self._loop.next_task() or self._plain_task()
        except (DatabaseError, InterfaceError):
            log.exception("broker: the database did not answer")
            self._forget_loop()
            time.sleep(RECOVERY_SECONDS)
            return None

    def _plain_task(self) -> Tasks | None:
        """Return an ordinary Django-Q2 task if there is one, else wait for something to do."""
        assert self._loop is not None
        if OrmQ.objects.filter(key=self.list_key, lock__lt=clock.now()).exists():
            return super().dequeue()
        self._loop.wait()
        return None

    def _forget_loop(self) -> None:
        loop, self._loop = self._loop, None
        connection.close()
        if loop:
            loop.close()


class Loop:
    """What one pusher process does, turn after turn."""

    def __init__(self, queue: str, *, worker_id: uuid.UUID) -> None:
        self.queue = queue
        self.worker_id = worker_id
        heartbeat.register(self.worker_id, ProcessKind.PUSHER)
        reaper.return_claims(self.worker_id)
        self._ear = wakeup.listen(queue)
        self._next_tick = 0.0
        self._dispatch_by = 0.0

    def next_task(self) -> Tasks | None:
        """Claim one run and return the task that drives it, or None; what else is to do comes behind it."""
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK_SECONDS
            self._tick()
        timers.promote_due()
        lease = claim(self.queue, worker_id=self.worker_id)
        if lease is None or time.monotonic() >= self._dispatch_by:
            self._dispatch_by = time.monotonic() + DISPATCH_SECONDS
            if dispatching.dispatch_new() and lease is None:
                lease = claim(self.queue, worker_id=self.worker_id)
        return [(None, package(lease))] if lease else None

    def _tick(self) -> None:
        """Do the chores; one that fails is seen in the log and keeps no run from being claimed."""
        WorkerProcess.objects.filter(pk=self.worker_id).update(beat_at=Now())
        for chore in CHORES:
            try:
                chore()
            except DatabaseError:
                log.exception("broker: %s failed", chore.__name__)

    def wait(self) -> None:
        """Sleep until work is announced or a timer is due, a quarter of a second at most."""
        due = timers.next_due()
        seconds = IDLE_SECONDS
        if due is not None:
            seconds = min(seconds, (due - clock.now()).total_seconds())
        if seconds > 0:
            self._ear.wait(seconds)

    def close(self) -> None:
        try:
            self._ear.close()
        except (DatabaseError, InterfaceError, OSError):
            log.info("broker: the listening connection was gone already")


def package(lease: Lease) -> str:
    """Return the signed Django-Q2 task that drives a claimed run."""
    return SignedPackage.dumps(
        {
            "id": f"{lease.run_id.hex}-{lease.epoch}",
            "name": f"run {lease.run_id} epoch {lease.epoch}",
            "func": "jobs.worker.serve",
            "args": (str(lease.run_id), lease.epoch),
            "kwargs": {},
            "started": clock.now(),
            "timeout": -1,
            "save": False,
        }
    )

"""One thread per worker process that says "alive", and keeps the lease of the run the process drives.

It has a connection of its own, so a long step or a slow provider never costs a lease. Alive is not progress: the
crash count stays.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from core.ids import uuid7
from jobs import processes, timelimits
from jobs.interrupts import Interrupt, LeaseLost
from jobs.leases import RENEW_SECONDS, Lease, keep_alive
from jobs.models import ProcessKind, WorkerProcess

if TYPE_CHECKING:
    from jobs.context import RunContext

log = logging.getLogger(__name__)

#: So long after its limit of time a step may take to give way.
GRACE_SECONDS = 5.0


def register(worker_id: uuid.UUID, kind: ProcessKind) -> None:
    """Write down that this process exists."""
    WorkerProcess.objects.update_or_create(
        pk=worker_id,
        defaults={
            "kind": kind,
            "cluster": processes.cluster_id(),
            "host": processes.HOST,
            "pid": os.getpid(),
            "born": processes.birth_of(os.getpid()),
            "beat_at": Now(),
        },
    )


class Pulse:
    """The heartbeat of one pool process; a quiet one has no thread (for tests, which live in one transaction)."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self.worker_id = uuid7()
        self.pid = os.getpid()
        self._lease: Lease | None = None
        self._context: RunContext | None = None
        self._wake = threading.Event()
        if not is_quiet:
            register(self.worker_id, ProcessKind.POOL)
            threading.Thread(target=self._beat_for_ever, name="heartbeat", daemon=True).start()

    @contextmanager
    def driving(self, lease: Lease) -> Iterator[None]:
        """Keep a lease alive for the length of a block."""
        self._lease = lease
        try:
            yield
        finally:
            self._lease = self._context = None

    def watch(self, context: RunContext) -> None:
        """Report which step the run stands in."""
        self._context = context

    def _beat_for_ever(self) -> None:
        while not self._wake.wait(RENEW_SECONDS):
            try:
                self._beat()
            except (DatabaseError, InterfaceError):
                log.warning("heartbeat: the database did not answer")
                connection.close()

    def _beat(self) -> None:
        lease, context = self._lease, self._context
        step = context.current.key if context and context.current else ""
        alive = {"beat_at": Now(), "run_id": lease and lease.run_id, "step": step}
        if not WorkerProcess.objects.filter(pk=self.worker_id).update(**alive):
            register(self.worker_id, ProcessKind.POOL)
        if lease and context and timelimits.overdue(by=GRACE_SECONDS):
            self._give_up(context)
        if lease:
            try:
                keep_alive(lease)
            except LeaseLost:
                if lease is self._lease:  # else the run has just ended here
                    log.warning("heartbeat: run %s is held by another now", lease.run_id)

    def _give_up(self, context: RunContext) -> None:
        """The code does not give way to its limit of time: write that down, and end this process."""
        log.error("heartbeat: run %s did not stop at its limit of time; ending", context.id)
        try:
            context.abandon()
        except Interrupt:
            log.info("heartbeat: run %s is left to the reaper", context.id)
        os.kill(os.getpid(), signal.SIGKILL)


_pulse: Pulse | None = None


def this_process() -> Pulse:
    """Return this process's heartbeat, started at first use (after the fork that made the process)."""
    global _pulse
    if _pulse is None or _pulse.pid != os.getpid():
        _pulse = Pulse()
    return _pulse


def be_quiet() -> None:
    """Give this process a heartbeat without a thread."""
    global _pulse
    _pulse = Pulse(is_quiet=True)

"""Runs a cluster and judges its health by progress, never by "alive".

A killed idle worker may take the pool's queue lock with it: every process lives, and nothing starts any more. So the
supervisor looks at the rows. Claims that nobody takes up, or a broker loop that no longer turns, while workers are
idle, mean a frozen cluster: it is killed whole, its leases are freed, and a new one is started.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs import backup, processes, reaper, schedules
from jobs.leases import LEASE_SECONDS
from jobs.models import ProcessKind, Run, WorkerProcess
from jobs.states import RunStatus

log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
FROZEN_SECONDS = 10.0
#: A cluster has so long to come up. One that does not gets twice the time at the next try: the host may be that busy.
START_SECONDS = 10.0
LONGEST_START_SECONDS = 160.0
RESTART_SECONDS = 1.0


class Supervisor:
    """Keeps one cluster going until it is told to stop."""

    def __init__(self, *, stop_seconds: float) -> None:
        self._stop_seconds = stop_seconds
        self._is_stopping = False
        self._cluster = uuid.uuid4()
        self._process: subprocess.Popen[bytes] | None = None
        self._patience_starts = 0.0
        self._loop_seen = 0.0
        self._start_seconds = START_SECONDS
        self._has_turned = False

    def run(self) -> None:
        """Start, watch, replace; return after a clean stop."""
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        if self._wait_for_the_database():
            self._spawn()
            self._watch()
            self._stop()

    def _wait_for_the_database(self) -> bool:
        """Return True when all is prepared, False when somebody asked to stop before that."""
        while not self._is_stopping:
            if self._prepare():
                return True
            time.sleep(WATCH_SECONDS)
        return False

    def _watch(self) -> None:
        while not self._is_stopping:
            time.sleep(WATCH_SECONDS)
            self._look_after()

    def _ask_to_stop(self, signum: int, frame: object) -> None:
        self._is_stopping = True

    def _prepare(self) -> bool:
        """Bury the dead of an earlier life and install what is scheduled; False while the database is away."""
        try:
            reaper.bury_dead_processes()
            schedules.install_schedules()
            backup.install_backup_schedules()
        except (OperationalError, InterfaceError):
            log.warning("supervisor: the database did not answer; waiting for it")
            return False
        finally:
            connection.close()
        return True

    def _spawn(self) -> None:
        self._cluster = uuid.uuid4()
        environment = {**os.environ, processes.CLUSTER_VARIABLE: str(self._cluster)}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "jobs.cluster"],
            env=environment,
            cwd=settings.BASE_DIR,
            start_new_session=True,
        )
        self._patience_starts = self._loop_seen = time.monotonic()
        self._has_turned = False
        log.info("cluster %s started", self._cluster)

    def _look_after(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            log.warning("cluster %s ended with code %s", self._cluster, self._process.returncode)
            self._replace()
            return
        try:
            reaper.bury_dead_processes()
            reason = self._frozen()
        except (DatabaseError, InterfaceError):
            log.warning("supervisor: the database did not answer")
            connection.close()
            self._patience_starts = time.monotonic()  # nothing could turn: it gets its time anew
            return
        if reason:
            log.error("cluster %s is frozen (%s): replacing it", self._cluster, reason)
            self._replace()

    def _frozen(self) -> str:
        """Return why the cluster cannot be making progress, or nothing."""
        if time.monotonic() - self._patience_starts < self._start_seconds:
            return ""
        if not self._has_idle_worker():
            return ""
        mine = WorkerProcess.objects.filter(cluster=self._cluster, kind=ProcessKind.PUSHER)
        if not self._is_turning(mine):
            return "the broker loop does not turn"
        # A claim is never renewed, so its lease tells its age.
        almost_over = Now() + timedelta(seconds=LEASE_SECONDS - FROZEN_SECONDS)
        stuck = Run.objects.filter(
            status=RunStatus.CLAIMED,
            worker_id__in=mine.values("pk"),
            lease_until__lt=almost_over,
        )
        return "claimed runs are not taken up" if stuck.exists() else ""

    def _is_turning(self, loops: QuerySet[WorkerProcess]) -> bool:
        """Whether the broker loop turned lately. One that was killed is buried, and the next has its time to come."""
        if loops.exists():
            self._loop_seen = time.monotonic()
            self._has_turned, self._start_seconds = True, START_SECONDS
            return loops.filter(beat_at__gte=Now() - timedelta(seconds=FROZEN_SECONDS)).exists()
        patience = FROZEN_SECONDS if self._has_turned else self._start_seconds
        return time.monotonic() - self._loop_seen < patience

    def _has_idle_worker(self) -> bool:
        pool = WorkerProcess.objects.filter(cluster=self._cluster, kind=ProcessKind.POOL)
        busy = Run.objects.filter(status=RunStatus.RUNNING, worker_id__in=pool.values("pk"))
        return busy.count() < settings.WORKERS

    def _replace(self) -> None:
        if not self._has_turned:
            self._start_seconds = min(2 * self._start_seconds, LONGEST_START_SECONDS)
        self._kill()
        time.sleep(RESTART_SECONDS)
        self._spawn()

    def _kill(self) -> None:
        """Kill the whole cluster; its processes follow their parents. Then free what they held."""
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            log.info("cluster %s was gone already", self._cluster)
        self._process.wait()
        try:
            reaper.bury_dead_processes(is_crash=False)
        except (DatabaseError, InterfaceError):
            log.warning("supervisor: leases of the old cluster will end by themselves")
            connection.close()

    def _stop(self) -> None:
        """Let the cluster finish what it has in hand, for so many seconds; what is left is resumed by the next."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            log.warning("cluster %s did not stop in time", self._cluster)
        self._kill()

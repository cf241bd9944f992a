"""A campaign under way: the database, the provider it goes to, and the worker that is shot at."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from bench.chaos.cast import Cast, Casting, owner_of_port
from tests.crash.theatre import Theatre, family, kill, stop
from tests.fakes.resend_server import ResendServer

WORKERS = 4
LOOK_SECONDS = 0.05
#: What a question raises while the database restarts, or is busy.
DATABASE_ERRORS = (psycopg.OperationalError, sqlite3.OperationalError)
#: What is not healed after so many times its bar is given up.
PATIENCE = 3.0
ALERT_ADDRESS = "staff@example.com"


class Arena:
    """Everything a fault needs: whom to kill, what to ask, and how long until it was well again."""

    def __init__(self, theatre: Theatre, server: ResendServer) -> None:
        self.theatre = theatre
        self.server = server
        self.kills: Counter[str] = Counter()
        self.people = 0
        self.mails = theatre.folder / "alerts"
        self._campaign = ""
        self._worker: subprocess.Popen[bytes] | None = None
        self._casting = Casting(theatre)
        theatre.environment |= {
            "RESEND_API_KEY": server.account.api_key,
            "RESEND_API_URL": server.url,
            "ALERT_EMAILS": ALERT_ADDRESS,
            "EMAIL_URL": f"filemail:///{self.mails}",
        }

    # --- the campaign and its worker -------------------------------------------------------------------------------

    def stage(self, people: int, *, per_second: float) -> None:
        """Make the campaign, paced so that it lasts as long as the faults do."""
        self.people = people
        arguments = (str(people), "--provider", "resend", "--rate", str(per_second))
        self._campaign = self.theatre.manage("stage_campaign", *arguments).strip()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """A worker, and the campaign launched, for the length of a block."""
        self._worker = self.theatre.start_worker(workers=WORKERS)
        try:
            self.theatre.manage("send_campaign", self._campaign)
            yield
        finally:
            stop(self.worker)

    @property
    def worker(self) -> subprocess.Popen[bytes]:
        """The supervisor that is at work at present."""
        assert self._worker, "the campaign is not under way"
        return self._worker

    def start_worker_again(self) -> None:
        """Start a new supervisor in place of one that was killed."""
        self.worker.wait()
        self._worker = self.theatre.start_worker(workers=WORKERS)

    def go_at_full_speed(self) -> None:
        """Take the rate limit away, as staff may."""
        self.theatre.rows("UPDATE messaging_sender SET rate_per_second = NULL")

    def is_sent(self) -> bool:
        return self.theatre.rows("SELECT status FROM campaigns_campaign") == [("sent",)]

    # --- killing ---------------------------------------------------------------------------------------------------

    def find(self, whom: Callable[[Cast], int]) -> int:
        """Wait until somebody plays this part, and return the process."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            cast = self._casting.look(self.worker.pid)
            pid = whom(cast) if cast else 0
            if pid:
                return pid
        raise AssertionError(f"nobody was found to be killed\n{self.log_tail()}")

    def shoot(self, kind: str, pid: int) -> None:
        kill(pid)
        self.kills[kind] += 1

    def shoot_the_next_in_a_call(self, kind: str) -> tuple[uuid.UUID, int]:
        """Kill a worker whose mail was taken and who waits for the answer; return the run it drove, and its epoch."""
        struck = threading.Event()
        found: list[tuple[uuid.UUID, int]] = []
        once = threading.Lock()

        def strike(port: int) -> None:
            pid = owner_of_port(port, family(self.worker.pid))
            if not (pid and once.acquire(blocking=False)):
                return
            found.append(self.run_of(pid))
            self.shoot(kind, pid)
            struck.set()

        self.server.before_answer = strike
        try:
            if not struck.wait(30):
                raise AssertionError(f"no call came\n{self.log_tail()}")
        finally:
            self.server.before_answer = None
        return found[0]

    def run_of(self, pid: int) -> tuple[uuid.UUID, int]:
        """Return the run that a process drives, and its epoch."""
        [(run, epoch)] = self.theatre.rows(
            "SELECT r.id, r.epoch FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
            f" WHERE w.pid = {pid} AND r.status = 'running'"
        )
        return uuid.UUID(str(run)), epoch

    # --- healing ---------------------------------------------------------------------------------------------------

    def seconds_until(self, is_well: Callable[[], bool], *, bar: float) -> float:
        """Return how long it took until something holds; infinity where that is given up."""
        start = time.monotonic()
        while time.monotonic() - start < bar * PATIENCE:
            if self._holds(is_well):
                return time.monotonic() - start
            time.sleep(LOOK_SECONDS)
        return float("inf")

    def _holds(self, is_well: Callable[[], bool]) -> bool:
        try:
            return is_well()
        except DATABASE_ERRORS:
            return False

    def is_taken_up(self, run: uuid.UUID, *, after: int) -> bool:
        """Whether another process has driven a run since this epoch, or there is nothing left of it to drive."""
        [(epoch, status)] = self.theatre.rows(
            f"SELECT epoch, status FROM jobs_run WHERE id = '{self._key(run)}'"
        )
        if epoch == after + 1:
            return status != "claimed"
        return epoch > after or status == "completed"

    def serves_again(self, *, bar: float, is_whole: Callable[[], bool] = lambda: True) -> float:
        """Start a run at this moment and return how long it took until it was done, and all was whole."""
        marker = self._key(uuid.uuid4())
        self.theatre.rows(MARKER.format(id=marker))
        question = f"SELECT status FROM jobs_run WHERE id = '{marker}'"
        return self.seconds_until(
            lambda: self.theatre.rows(question) == [("completed",)] and is_whole(), bar=bar
        )

    def has_all_workers(self) -> bool:
        """Whether the pool is as large as it should be."""
        cast = self._casting.look(self.worker.pid)
        return cast is not None and cast.workers == WORKERS

    def is_replaced(self, whom: Callable[[Cast], int], pid: int) -> bool:
        """Whether another process plays the part of one that was killed."""
        cast = self._casting.look(self.worker.pid)
        return cast is not None and whom(cast) not in (0, pid)

    def settles_again(self, *, bar: float) -> float:
        """Return how long it takes until every batch that is in doubt now has been settled."""
        unresolved = "FROM messaging_sendbatch WHERE status IN ('frozen', 'attempted')"
        begun = set(self.theatre.rows(f"SELECT id {unresolved}"))
        return self.seconds_until(
            lambda: begun.isdisjoint(self.theatre.rows(f"SELECT id {unresolved}")), bar=bar
        )

    def accepts_more(self) -> Callable[[], bool]:
        """Return a question: has the provider taken anything since now?"""
        before = len(self.server.accepted)
        return lambda: len(self.server.accepted) > before

    def log_tail(self) -> str:
        return self.theatre.log.read_text()[-4000:]

    def _key(self, key: uuid.UUID) -> str:
        return str(key) if self.theatre.url.startswith("postgres") else key.hex


MARKER = """
INSERT INTO jobs_run (id, workflow, queue, status, input, actor, idempotency_key, created_at, sort_at, epoch,
    crashes, attempts, cancel_requested_by, progress_done, progress_text, version, failure, reason, dismissed_by,
    singleton_key, parent_step, is_joined, is_limited, slot, slot_limit, second_slot, second_limit, blocked_by,
    is_admitted)
VALUES ('{id}', 'stage.note', 'main', 'ready', '{{"word": "marker"}}', 'system', '', CURRENT_TIMESTAMP,
    CURRENT_TIMESTAMP, 0, 0, 0, '', 0, '', 1, '', '', '', '', '', false, false, '', 0, '', 0, '', false)
"""

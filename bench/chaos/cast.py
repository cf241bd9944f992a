"""Who is who among the processes of a worker, and which of them holds a connection (Linux: /proc)."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from jobs.processes import birth_of
from tests.crash.theatre import Theatre, family

READ = "0"  # the number of the system call on x86-64, as the theatre uses it
SURE_SECONDS = 0.03


@dataclass(frozen=True)
class Cast:
    """The processes of one cluster at one moment; what is not known, or not there at present, is 0 or empty."""

    cluster: int
    sentinel: int
    pusher: int
    monitor: int
    lock_holder: int
    busy: frozenset[int]
    idle: frozenset[int]

    @property
    def workers(self) -> int:
        """How many there are in the pool."""
        return len(self.busy) + len(self.idle) + bool(self.lock_holder)


class Casting:
    """Looks who is who, again and again, and remembers which descriptors the queues of a cluster have."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self._queues: dict[int, tuple[int, int]] = {}

    def look(self, supervisor: int) -> Cast | None:
        """Return who is who in the cluster under a supervisor; None while it is not whole."""
        cluster, sentinel, *others = [*family(supervisor), 0, 0]
        # A killed process stays in the family until it is waited for.
        children = {pid for pid in others if pid and birth_of(pid)}
        pushers, driving = _known(self._theatre)
        pusher = next(iter(pushers & children), 0)
        if not (sentinel and pusher):
            return None
        readers = _readers(children)
        tasks, results = self._queues_of(sentinel, readers)
        monitor = next((pid for pid, fd in readers.items() if fd == results), 0)
        holder = next((pid for pid, fd in readers.items() if fd == tasks), 0)
        pool = children - {pusher, monitor}
        busy = (driving & pool) - {holder}
        idle = pool - busy - {holder} if monitor else set()
        return Cast(cluster, sentinel, pusher, monitor, holder, frozenset(busy), frozenset(idle))

    def _queues_of(self, sentinel: int, readers: dict[int, int]) -> tuple[int, int]:
        """The sentinel opened the pool's queue before that of the results, so its descriptor is the lower one."""
        descriptors = sorted(set(readers.values()))
        if sentinel not in self._queues and len(descriptors) == 2:
            self._queues[sentinel] = (descriptors[0], descriptors[1])
        return self._queues.get(sentinel, (-1, -1))


def _known(theatre: Theatre) -> tuple[set[int], set[int]]:
    """Return the pushers, and those who drive a run, as the engine knows them."""
    pushers = theatre.rows("SELECT pid FROM jobs_workerprocess WHERE kind = 'pusher'")
    driving = theatre.rows(
        "SELECT w.pid FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
        " WHERE r.status = 'running'"
    )
    return {pid for (pid,) in pushers}, {pid for (pid,) in driving}


def _readers(pids: set[int]) -> dict[int, int]:
    """Return {process: descriptor} of those that stay in a read; only a queue's reader does."""
    before = {pid: _reads_from(pid) for pid in pids}
    time.sleep(SURE_SECONDS)
    return {pid: fd for pid, fd in before.items() if fd >= 0 and _reads_from(pid) == fd}


def _reads_from(pid: int) -> int:
    try:
        call, descriptor, *_ = Path(f"/proc/{pid}/syscall").read_text().split()
    except (OSError, ValueError):
        return -1
    return int(descriptor, 16) if call == READ else -1


def owner_of_port(port: int, among: list[int]) -> int:
    """Return which of these processes holds the local end of a loopback connection; 0 if none does."""
    inode = _inode_of(port)
    for pid in among:
        if inode and f"socket:[{inode}]" in _links(pid):
            return pid
    return 0


def _inode_of(port: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            return fields[9]
    return ""


def _links(pid: int) -> set[str]:
    links = set()
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            links.add(os.readlink(entry.path))
    except OSError:
        return links
    return links

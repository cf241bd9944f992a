"""`python -m jobs.cluster`: a Django-Q2 cluster whose every process dies with its parent; the supervisor starts it."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import django

#: The web comes first: workers are polite about the processor.
NICENESS = 5


def main() -> None:
    """Start the cluster and stay until it is told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django_q import cluster

    from jobs.processes import die_with_parent

    be_polite()
    # In development Django remembers statements for its error pages; a worker has none.
    BaseDatabaseWrapper.queries_limit = 0

    class Sentinel(cluster.Sentinel):
        """Django-Q2's guard, which also frees what a killed monitor held.

        The monitor waits for results while it holds their queue's lock. Killed, it takes the lock with it: the next one
        waits for ever, results pile up, and a worker that is to be recycled never ends because its own never leave it.
        """

        def reincarnate(self, process: BaseProcess) -> None:
            if process is self.monitor:
                lock = self.result_queue._rlock  # only monitors take it, and the only one is dead
                lock.acquire(block=False)
                lock.release()
            super().reincarnate(process)

    gc.collect()
    gc.freeze()  # what was loaded before the fork stays shared: no collection of a child touches it
    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)
    cluster.Sentinel = Sentinel
    cluster.Cluster().start()


def be_polite() -> None:
    """Leave the processor to others first: within this session, and as a session beside others.

    Linux shares the processor between sessions before it looks at what is nice in each (man 7 sched, autogroup); in
    a cgroup of its own, as under systemd, CPUWeight of the unit says the same.
    """
    os.nice(NICENESS)
    with suppress(OSError):  # no autogroups here, or nobody may change them
        Path("/proc/self/autogroup").write_text(str(NICENESS))


if __name__ == "__main__":
    main()

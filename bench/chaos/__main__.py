"""`make chaos-campaign`: 36,000 messages, more than 50 kills, a database that comes and goes, a provider on a bad day.

Prints a table of faults; its last line has the figures. The exit code is 1 if a message was lost or doubled, or
a fault took longer to heal than it may.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from bench.chaos import faults
from bench.chaos.arena import Arena
from bench.chaos.faults import Fault
from bench.chaos.postgres import Postgres, throw_away_postgres
from bench.chaos.trial import Report, hold_trial, print_table
from tests.crash.theatre import Theatre
from tests.fakes.resend_server import ResendServer

PEOPLE = 36_000
#: Slow enough that the faults come to an end before the messages do.
PER_SECOND = 80.0

QUOTA = Fault("quota used up: paused, staff alerted", 5, faults.quota_pauses)
RESUMED = Fault("a person resumes the sender", 5, faults.person_resumes)
AFTER_ACCEPTANCE = Fault(
    "worker killed after acceptance", 5, faults.between_acceptance_and_settlement
)
OFTEN = [
    (10, Fault("busy worker killed", 5, faults.busy_worker)),
    (16, AFTER_ACCEPTANCE),
    (4, Fault("idle worker killed", 5, faults.idle_worker)),
    (3, Fault("idle worker with the queue's lock killed", 30, faults.one_process("lock holder", "lock_holder"))),
    (4, Fault("pusher killed", 10, faults.one_process("pusher", "pusher"))),
    (3, Fault("monitor killed", 10, faults.one_process("monitor", "monitor"))),
    (3, Fault("sentinel killed", 15, faults.one_process("sentinel", "sentinel"))),
    (3, Fault("whole cluster killed", 15, faults.one_process("cluster", "cluster"))),
    (2, Fault("supervisor killed, started again", 15, faults.supervisor)),
    (2, Fault("every database connection cut", 10, faults.connections_cut)),
    (2, Fault("429 for 6 s, retry-after 1", 5, faults.storm(6, requests_per_second=1))),
    (1, Fault("only 500s for 6 s", 25, faults.storm(6, error_rate=1.0))),
    (1, Fault("every answer cut for 4 s", 25, faults.storm(4, cut_rate=1.0))),
    (1, Fault("answers take 3 s, for 6 s", 10, faults.storm(6, slow_seconds=3.0))),
    (1, Fault("answers take longer than we wait", 45, faults.storm(3, slow_seconds=32.0))),
]  # fmt: skip
#: What a trial of the whole programme must have done, or it proves less than it says.
KILLS, KILLS_AFTER_ACCEPTANCE = 50, 20
AT_FULL_SPEED = Fault("the same at full speed", 5, faults.between_acceptance_and_settlement)


def programme(postgres: Postgres, *, seed: int) -> list[Fault]:
    """Every fault so often, in an order that the seed decides; the quota is resumed after it was used up."""
    fast, immediate = (faults.database_restarts(postgres, mode) for mode in ("fast", "immediate"))
    unattended = faults.supervisor_without_database(postgres)
    chosen = [[fault] for times, fault in OFTEN for _ in range(times)]
    chosen += [
        [QUOTA, RESUMED],
        [Fault("database restarted, fast", 10, fast)],
        [Fault("database restarted, immediate", 10, immediate)],
        [Fault("database away for 15 s", 10, faults.database_is_away(postgres, 15))],
        [Fault("supervisor killed while the database is away", 15, unattended)],
    ]
    random.Random(seed).shuffle(chosen)
    return [fault for together in chosen for fault in together]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--log", type=Path, help="keep the worker's log here")
    options = parser.parse_args()
    os.environ |= {"ENV_FILE": os.devnull, "DEBUG": "true"}
    with tempfile.TemporaryDirectory(prefix="longhaul-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user must find its data in it
        with throw_away_postgres(folder) as postgres, ResendServer() as server:
            theatre = Theatre(folder, postgres.url)
            theatre.log = (options.log or theatre.log).absolute()
            theatre.manage("migrate", "--run-syncdb", "-v", "0")
            arena = Arena(theatre, server)
            arena.stage(options.people, per_second=PER_SECOND)
            server.misbehave(**faults.BAD_DAY)
            report = hold_trial(
                arena,
                programme(postgres, seed=options.seed),
                at_full_speed=[AT_FULL_SPEED] * 8,
            )
    print_table(report)
    return 0 if report.is_passed and is_whole(report) else 1


def is_whole(report: Report) -> bool:
    """Say whether so many were killed as the trial promises."""
    after_acceptance = report.kills["worker after acceptance"]
    return report.kills.total() >= KILLS and after_acceptance >= KILLS_AFTER_ACCEPTANCE


if __name__ == "__main__":
    sys.exit(main())

"""Limits, joins and limits of time over several real processes, some of which are killed."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest

from tests.crash import theatre as stage
from tests.crash.theatre import Theatre

pytestmark = pytest.mark.crash

CONNECTIONS = 30


def most_at_once(lines: list[str]) -> tuple[int, int]:
    """Return how many were in at once at most, in all and of one key."""
    inside: Counter[str] = Counter()
    most = most_of_one = 0
    for line in lines:
        word, key = line.split()
        inside[key] += 1 if word == "in" else -1
        most = max(most, inside.total())
        most_of_one = max(most_of_one, *inside.values())
    return most, most_of_one


def test_limits_hold_over_two_clusters(theatre: Theatre) -> None:
    theatre.start_runs("stage.limited", [{"key": "abcde"[n % 5]} for n in range(60)])

    with theatre.worker(workers=3), theatre.worker(workers=3):
        theatre.wait_until_all("completed", count=60, seconds=120)

    assert most_at_once(theatre.lines()) == (3, 1)


def test_a_family_comes_home_whoever_is_killed(theatre: Theatre) -> None:
    theatre.start_run("stage.family", count=40, parallel=6)
    busy = (
        "SELECT pid FROM jobs_workerprocess WHERE kind = 'pool' AND id IN"
        " (SELECT worker_id FROM jobs_run WHERE status = 'running')"
    )

    with theatre.worker(workers=2):
        for home in (5, 15, 25):
            theatre.wait_for(
                lambda home=home: theatre.statuses().get("completed", 0) >= home,
                seconds=90,
                what=f"{home} children are home",
            )
            pids = [pid for (pid,) in theatre.rows(busy)]
            if pids:
                with suppress(
                    ProcessLookupError
                ):  # the row of one that is dead stands for a moment
                    os.kill(random.choice(pids), signal.SIGKILL)
        theatre.wait_until_all("completed", count=41, seconds=120)

    effects = theatre.rows("SELECT point, count(*) FROM stage_effect GROUP BY point")
    assert sorted(effects, key=lambda row: int(row[0])) == [(str(n), 1) for n in range(40)]
    output = theatre.rows("SELECT output FROM jobs_run WHERE workflow = 'stage.family'")[0][0]
    assert int(output) == sum(range(40))


def test_a_step_that_never_gives_way_ends_with_its_process_and_has_failed(theatre: Theatre) -> None:
    theatre.start_run("stage.stubborn")

    with theatre.worker(workers=1):
        theatre.wait_until_all("failed", count=1, seconds=60)
        theatre.start_run("stage.note", word="after")
        theatre.wait_for(lambda: "after" in theatre.lines(), seconds=30, what="the pool lives on")

    [(step, message)] = theatre.rows("SELECT key, error FROM jobs_step WHERE key = 'hang'")
    assert (step, "did not stop at its limit of time" in str(message)) == ("hang", True)
    assert theatre.rows("SELECT crashes FROM jobs_run WHERE workflow = 'stage.stubborn'") == [(0,)]


def test_eight_busy_workers_live_within_thirty_connections(theatre: Theatre) -> None:
    if not stage.is_postgres():
        pytest.skip("SQLite has no connections to count")
    theatre.start_runs("stage.long", [{"seconds": 4.0}] * 8)
    name = theatre.url.rsplit("/", 1)[1]

    with theatre.worker(workers=8):
        theatre.wait_for(
            lambda: theatre.statuses() == {"running": 8}, seconds=60, what="all eight are busy"
        )
        with stage.maintenance() as cursor:
            cursor.execute(
                "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%%')"
                " FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            connections, in_transaction = cursor.fetchone()
        theatre.wait_until_all("completed", count=8, seconds=60)

    assert connections <= CONNECTIONS
    assert in_transaction == 0

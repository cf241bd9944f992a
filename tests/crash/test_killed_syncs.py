"""A sync whose worker is killed at any moment: every release is there once, and the source was asked politely."""

from __future__ import annotations

import json
import random
import time
from datetime import timedelta

import pytest

from core import clock
from tenders.actions.installing import shipped_sources
from tests.crash.theatre import Theatre, kill
from tests.fakes.notices import Board, uk_release
from tests.fakes.tender_sources import CursorServer, complains, cuts_off, doubled, fails

pytestmark = pytest.mark.crash

PROCESSES, KILLS, INTERVAL = 900, 5, 0.1
MAKE = (
    "import json\nfrom datetime import datetime\nfrom tenders.actions import create_source, request_sync\n"
    "row = json.loads({row!r})\n"
    "source = create_source(actor='system', start=datetime.fromisoformat({start!r}), **row)\n"
    "request_sync(source, actor='system')"
)
BUSY = (
    "SELECT w.pid FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
    " WHERE r.workflow = 'tenders.sync' AND r.status = 'running'"
)
STATUS = "SELECT status FROM jobs_run WHERE workflow = 'tenders.sync'"


def test_a_week_is_synced_while_the_worker_is_killed_at_any_moment(theatre: Theatre):
    chance = random.Random(5)
    now = clock.now().replace(microsecond=0)
    start = now - timedelta(days=7)
    board = Board()
    for number in range(PROCESSES):
        for stage in (1, 2):
            at = start + timedelta(days=6.9) * chance.random()
            board.put(at, uk_release(number, at, stage=stage))
    theatre.environment["TENDER_PRIVATE_HOSTS"] = "127.0.0.1"
    with CursorServer(board, seed=3) as server, theatre.worker():
        server.faults, server.fault_rate = (fails(500), complains, cuts_off, doubled), 0.1
        theatre.manage("shell", "-v", "0", "-c", making(server, start=start.isoformat()))
        for number in range(KILLS):
            due = (number + 1) * len(board.notices) // (KILLS + 2)
            theatre.wait_for(lambda due=due: count(theatre) >= due, seconds=90, what=f"{due}")
            time.sleep(chance.uniform(0, 2 * INTERVAL))
            theatre.wait_for(lambda: theatre.rows(BUSY) != [], seconds=60, what="a busy worker")
            for (pid,) in theatre.rows(BUSY)[:1]:
                kill(pid)
        theatre.wait_for(
            lambda: theatre.rows(STATUS) == [("completed",)], seconds=120, what="an end"
        )

    stored = theatre.rows("SELECT ocid, release_id FROM tenders_ocdsrelease")
    assert len(stored) == len(set(stored))
    assert set(stored) == board.keys()
    assert theatre.rows("SELECT count(*), sum(release_count) FROM tenders_tender") == [
        (PROCESSES, 2 * PROCESSES)
    ]
    assert theatre.rows("SELECT count(*) FROM tenders_tenderevent WHERE kind = 'new'") == [
        (PROCESSES,)
    ]
    assert theatre.rows("SELECT DISTINCT status FROM tenders_syncwindow") == [("complete",)]
    assert server.requests_within(10 * INTERVAL) <= 11


def making(server: CursorServer, *, start: str) -> str:
    [row] = [row for row in shipped_sources() if row["key"] == "uk_find_a_tender"]
    swift = {
        "url": server.list_url,
        "item_url": "",
        "interval_seconds": INTERVAL,
        "retry_seconds": [0.1] * 6,
    }
    return MAKE.format(row=json.dumps({**row, **swift}), start=start)


def count(theatre: Theatre) -> int:
    [(number,)] = theatre.rows("SELECT count(*) FROM tenders_ocdsrelease")
    return int(number)

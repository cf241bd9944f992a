"""Alerts whose worker is killed again and again: each change is mentioned to everybody who asked, once."""

from __future__ import annotations

import random
import time

import pytest

from tests.crash.theatre import Theatre, kill

pytestmark = pytest.mark.crash

#: A third death without any progress between would end the run, until the next tick starts another.
TENDERS, SEARCHES, KILLS = 1_200, 8, 2
WITHIN_A_CHUNK_SECONDS = 0.4
STAGE = f"""
from messaging.models import Sender
from tenders.actions import create_search, create_source
from tenders.actions.installing import shipped_sources
from tenders.actions.telling import request_alerts
from tenders.finding import Criteria
from tests.fakes.notices import uk_release
from tests.tenders.conftest import MONDAY
from tests.tenders.test_saving import save
Sender.objects.create(name="Tenders", from_email="tenders@example.com")
[row] = [row for row in shipped_sources() if row["key"] == "uk_find_a_tender"]
source = create_source(actor="system", **row)
for number in range({SEARCHES}):
    create_search(to=f"ada{{number}}@example.com", name="Roads", frequency="instant",
                  criteria=Criteria(all="road"), actor="system")
save(source, [uk_release(number, MONDAY) for number in range({TENDERS})])
request_alerts(actor="system")
"""
BUSY = (
    "SELECT w.pid FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
    " WHERE r.workflow = 'tenders.alert' AND r.status = 'running'"
)
UNTOLD = "SELECT count(*) FROM tenders_alertmatch WHERE digest_id IS NULL"
LEFT = "SELECT count(*) FROM tenders_tenderevent WHERE is_due"


def test_every_change_is_mentioned_once_while_the_worker_is_killed(theatre: Theatre):
    chance = random.Random(8)
    theatre.manage("shell", "-v", "0", "-c", STAGE)

    with theatre.worker():
        killed: set[int] = set()
        while len(killed) < KILLS and not is_done(theatre):
            theatre.wait_for(
                lambda: bool(busy(theatre) - killed) or is_done(theatre),
                seconds=60,
                what="a busy worker",
            )
            time.sleep(chance.uniform(0, WITHIN_A_CHUNK_SECONDS))
            for pid in busy(theatre) - killed:
                kill(pid)
                killed.add(pid)
        theatre.wait_for(
            lambda: is_done(theatre) and theatre.rows(SENT) == [(SEARCHES,)],
            seconds=60,
            what="all letters",
        )

    assert len(killed) == KILLS
    whole = [(SEARCHES * TENDERS,)]
    assert theatre.rows("SELECT count(*) FROM tenders_alertmatch") == whole
    assert theatre.rows("SELECT sum(change_count) FROM tenders_alertdigest") == whole
    assert theatre.rows("SELECT count(*), count(DISTINCT search_id) FROM tenders_alertdigest") == [
        (SEARCHES, SEARCHES)
    ]
    letters = "SELECT count(*), count(DISTINCT recipient) FROM messaging_sandboxmessage"
    assert theatre.rows(letters) == [(SEARCHES, SEARCHES)]


SENT = "SELECT count(*) FROM messaging_message WHERE status = 'sent'"


def busy(theatre: Theatre) -> set[int]:
    return {pid for (pid,) in theatre.rows(BUSY)}


def is_done(theatre: Theatre) -> bool:
    return theatre.rows(LEFT) == [(0,)] and theatre.rows(UNTOLD) == [(0,)]

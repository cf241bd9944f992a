"""An event whose workers are killed again and again while people are accompanied: everybody gets everything, once."""

from __future__ import annotations

import json
import random

import pytest

from tests.crash.test_killed_campaigns import pool
from tests.crash.theatre import Theatre, kill

pytestmark = pytest.mark.crash

PEOPLE, KILLS = 120, 6


def test_everybody_is_welcomed_and_written_to_once_while_workers_are_killed(theatre: Theatre):
    chance = random.Random(7)
    theatre.manage("stage_funnel", "make", str(PEOPLE))
    with theatre.worker(workers=3) as supervisor:
        theatre.manage("stage_funnel", "enroll")
        for number in range(1, KILLS + 1):
            due = PEOPLE * number // (KILLS + 1)
            theatre.wait_for(
                lambda due=due: written(theatre) >= due, seconds=60, what=f"{due} begun"
            )
            kill(chance.choice(pool(supervisor.pid)))
        theatre.wait_for(lambda: sent(theatre) == PEOPLE, seconds=90, what="everybody is welcomed")

    outcome = json.loads(theatre.manage("stage_funnel", "outcome"))
    assert outcome["ledger"] == {
        "reminder-1h email scheduled": PEOPLE,
        "reminder-1h sms scheduled": PEOPLE,
        "reminder-24h email scheduled": PEOPLE,
        "reminder-24h sms scheduled": PEOPLE,
        "welcome email sent": PEOPLE,
    }
    assert theatre.rows(
        "SELECT count(*), count(DISTINCT recipient) FROM messaging_sandboxmessage"
    ) == [(PEOPLE, PEOPLE)]
    assert theatre.rows("SELECT count(*) FROM jobs_run WHERE status = 'failed'") == [(0,)]


def written(theatre: Theatre) -> int:
    [(count,)] = theatre.rows(
        "SELECT count(DISTINCT contact_id) FROM messaging_message WHERE reason = 'scheduled'"
    )
    return int(count)


def sent(theatre: Theatre) -> int:
    [(count,)] = theatre.rows("SELECT count(*) FROM messaging_message WHERE status = 'sent'")
    return int(count)

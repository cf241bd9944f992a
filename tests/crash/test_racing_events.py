"""Events and those who wait for them come at the same moment, in two processes: none is lost, none counts twice."""

from __future__ import annotations

import json

import pytest

from tests.crash import racers
from tests.crash.theatre import Theatre, is_postgres

pytestmark = pytest.mark.crash
#: On SQLite the two take turns as it is: whoever writes has the whole database.
ROUNDS = 150 if is_postgres() else 40
EVENTS = 100


def count(theatre: Theatre, sql: str) -> int:
    return int(theatre.rows(f"SELECT count(*) FROM {sql}")[0][0])


def test_no_event_is_lost_between_a_wait_and_its_event(theatre: Theatre) -> None:
    waited, _sent = racers.race(
        racers.let_one_wait, racers.send_one, rounds=ROUNDS, environment=theatre.environment
    )

    lost = count(theatre, "jobs_run WHERE workflow = 'stage.waits' AND status = 'waiting'")
    assert (len(waited), lost) == (ROUNDS, 0)
    theatre.manage("shell", "-v", "0", "-c", "from jobs.testing import *; run_until_idle()")
    assert count(theatre, "jobs_run WHERE status = 'completed'") == ROUNDS
    assert count(theatre, "jobs_eventeffect WHERE kind = 'woke'") == ROUNDS
    assert count(theatre, "jobs_wait") == 0


def test_no_run_outlives_an_event_that_cancels_it_before_its_start_is_committed(
    theatre: Theatre,
) -> None:
    racers.race(
        racers.start_one_slowly, racers.send_one, rounds=ROUNDS, environment=theatre.environment
    )

    assert theatre.statuses() == {"cancelled": ROUNDS}
    assert count(theatre, "jobs_eventeffect WHERE kind = 'cancelled'") == ROUNDS


def test_an_id_that_two_send_at_once_counts_once(theatre: Theatre) -> None:
    mine, theirs = racers.race(
        racers.send_the_same, racers.send_the_same, rounds=ROUNDS, environment=theatre.environment
    )

    assert [a[0] for a in mine] == [b[0] for b in theirs]
    assert [a[1] + b[1] for a, b in zip(mine, theirs, strict=True)] == [1] * ROUNDS
    assert count(theatre, "jobs_event") == ROUNDS


def test_two_who_dispatch_at_once_let_each_event_take_effect_once(theatre: Theatre) -> None:
    code = (
        "from jobs.events.sending import *\n"
        f"send_events([NewEvent('stage.trigger', {{'word': str(n)}}) for n in range({EVENTS})])"
    )
    theatre.manage("shell", "-v", "0", "-c", code)

    mine, theirs = racers.race(
        racers.dispatch_some, racers.dispatch_some, rounds=20, environment=theatre.environment
    )

    assert sum(mine) + sum(theirs) == EVENTS
    assert count(theatre, "jobs_run WHERE workflow = 'stage.triggered'") == EVENTS
    assert count(theatre, "jobs_eventeffect WHERE kind = 'started'") == EVENTS


def test_whoever_is_woken_while_it_falls_asleep_sleeps_until_the_new_moment(
    theatre: Theatre,
) -> None:
    racers.race(
        racers.let_one_fall_asleep,
        racers.move_the_moment,
        rounds=ROUNDS,
        environment=theatre.environment,
    )

    assert theatre.statuses() == {"waiting": ROUNDS}
    due = theatre.rows("SELECT DISTINCT wake_at FROM jobs_step")
    assert len(due) == 1
    assert "2065-01-24" in str(due[0][0])


def test_each_event_is_in_one_batch_though_its_run_begins_just_then(theatre: Theatre) -> None:
    racers.race(
        racers.gather_two, racers.gather_two, rounds=ROUNDS, environment=theatre.environment
    )

    code = "from jobs.testing import *; run_until_idle(advance=True)"
    theatre.manage("shell", "-v", "0", "-c", code)
    assert set(theatre.statuses()) == {"completed"}
    seen = theatre.rows("SELECT output FROM jobs_run WHERE workflow = 'stage.gathers'")
    told = [
        n for (output,) in seen for n in (json.loads(output) if isinstance(output, str) else output)
    ]
    assert (len(told), len(set(told))) == (4 * ROUNDS, 4 * ROUNDS)
    assert all(len(output) <= 3 for (output,) in seen if not isinstance(output, str))

"""Two real processes race for everything that one of them may have: runs, places, slots of time, ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.crash import racers
from tests.crash.theatre import Theatre

pytestmark = pytest.mark.crash
ROUNDS = 100


def count(theatre: Theatre, sql: str) -> int:
    return int(theatre.rows(f"SELECT count(*) FROM {sql}")[0][0])


def claim_some(number: int, start: Callable[[], None]) -> list[str]:
    """Claim a few of the runs that are ready."""
    from core.ids import uuid7
    from jobs.leases import claim

    start()
    leases = [claim("main", worker_id=uuid7()) for _ in range(3)]
    return [str(lease.run_id) for lease in leases if lease]


def claim_under_a_limit(number: int, start: Callable[[], None]) -> bool:
    """Claim one of two runs that may not be held together."""
    from core.ids import uuid7
    from jobs.leases import claim

    start()
    return claim("main", worker_id=uuid7()) is not None


def offer_two_and_claim(number: int, start: Callable[[], None]) -> bool:
    """End what the last round left, start two runs of one key, and claim one of them."""
    from jobs.actions import start_run
    from jobs.models import Run
    from jobs.states import OVER, RunStatus

    Run.objects.exclude(status__in=OVER).update(status=RunStatus.CANCELLED)
    for _ in range(2):
        start_run("stage.limited", input={"key": f"k{number}"})
    return claim_under_a_limit(number, start)


def fire(number: int, start: Callable[[], None]) -> int:
    """Fire what is due."""
    from jobs import schedules

    start()
    return schedules.fire_due()


def make_due_and_fire(number: int, start: Callable[[], None]) -> int:
    """Let one schedule alone be due, at a slot of its own, and fire it."""
    from core import clock
    from jobs.models import Schedule
    from jobs.schedules import install_schedules

    install_schedules()
    Schedule.objects.exclude(workflow="messaging.tend_lanes").update(is_enabled=False)
    slot = clock.now() - timedelta(days=1, minutes=-number)
    Schedule.objects.filter(workflow="messaging.tend_lanes").update(next_at=slot)
    return fire(number, start)


def bring_a_child_home(number: int, start: Callable[[], None]) -> str | None:
    """Drive one of the last two children of a family."""
    from jobs.testing import run_one

    start()
    return run_one()


def begin_a_family(number: int, start: Callable[[], None]) -> str | None:
    """Let a parent sleep over two children, and drive one of them."""
    from jobs.actions import start_run
    from jobs.models import Run
    from jobs.states import RunStatus
    from jobs.testing import run_one

    Run.objects.filter(workflow="stage.family", status=RunStatus.READY).update(
        status=RunStatus.CANCELLED, reason="woken"
    )
    start_run("stage.family", input={"count": 2})
    assert run_one() == "waiting"
    return bring_a_child_home(number, start)


def end_the_last_child(number: int, start: Callable[[], None]) -> bool:
    """End the child that a sleeping parent waits for."""
    from core.ids import uuid7
    from jobs.actions import start_run
    from jobs.endings import end_run
    from jobs.leases import Lease, begin, claim, held
    from jobs.states import RunStatus
    from jobs.testing import run_one

    start_run("stage.family", input={"count": 1})
    assert run_one() == "waiting"
    lease = claim("main", worker_id=uuid7())
    assert lease
    child = begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
    start()
    ended = end_run(child, RunStatus.COMPLETED, among=held(Lease.of(child, lease.worker_id)))
    drive_what_is_ready()
    return ended


def drive_what_is_ready() -> None:
    from jobs.testing import run_until_idle

    run_until_idle()


def cancel_the_parent(number: int, start: Callable[[], None]) -> bool:
    """Cancel the parent while its last child ends."""
    from jobs.endings import request_cancel
    from jobs.models import Run

    start()
    parent = Run.objects.filter(workflow="stage.family").latest("id")
    return request_cancel(parent, by="staff:alice")


def reap(number: int, start: Callable[[], None]) -> int:
    """Free the runs of the dead."""
    from jobs import reaper

    start()
    return reaper.reap_expired()


def die_and_reap(number: int, start: Callable[[], None]) -> int:
    """Leave a running run whose lease is over, and free it."""
    from core.ids import uuid7
    from jobs.actions import start_run
    from jobs.leases import begin, claim
    from jobs.models import Run
    from jobs.states import OVER, RunStatus

    Run.objects.exclude(status__in=OVER).update(status=RunStatus.CANCELLED)
    start_run("stage.note", input={"word": "x"})
    lease = claim("main", worker_id=uuid7())
    assert lease
    run = begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
    Run.objects.filter(pk=run.pk).update(lease_until=run.created_at - timedelta(days=1))
    return reap(number, start)


def start_the_only_one(number: int, start: Callable[[], None]) -> str:
    """Start what may be there once."""
    from jobs.actions import start_run

    start()
    return str(start_run("stage.single", input={"key": f"k{number}"}).status)


def test_no_run_is_claimed_twice(theatre: Theatre) -> None:
    theatre.start_runs("stage.note", [{"word": "x"}] * 6 * ROUNDS)

    mine, theirs = racers.race(
        claim_some, claim_some, rounds=ROUNDS, environment=theatre.environment
    )

    claimed = [run for round in (*mine, *theirs) for run in round]
    assert len(claimed) == len(set(claimed)) == 6 * ROUNDS


def test_a_place_is_given_once(theatre: Theatre) -> None:
    mine, theirs = racers.race(
        offer_two_and_claim, claim_under_a_limit, rounds=ROUNDS, environment=theatre.environment
    )

    assert [a + b for a, b in zip(mine, theirs, strict=True)] == [1] * ROUNDS


def test_a_slot_of_cron_fires_once(theatre: Theatre) -> None:
    mine, theirs = racers.race(
        make_due_and_fire, fire, rounds=ROUNDS, environment=theatre.environment
    )

    assert [a + b for a, b in zip(mine, theirs, strict=True)] == [1] * ROUNDS
    assert count(theatre, "jobs_run WHERE workflow = 'messaging.tend_lanes'") == ROUNDS


def test_the_last_two_children_wake_their_parent(theatre: Theatre) -> None:
    racers.race(begin_a_family, bring_a_child_home, rounds=ROUNDS, environment=theatre.environment)

    family = "jobs_run WHERE workflow = 'stage.family' AND"
    assert count(theatre, f"{family} status = 'waiting'") == 0
    assert count(theatre, f"{family} reason = 'woken'") == ROUNDS - 1
    assert count(theatre, f"{family} status = 'ready'") == 1


def test_a_parent_is_cancelled_while_its_last_child_ends_and_neither_waits_for_ever(
    theatre: Theatre,
) -> None:
    ended, cancelled = racers.race(
        end_the_last_child, cancel_the_parent, rounds=ROUNDS, environment=theatre.environment
    )

    assert ended == [True] * ROUNDS
    parents = "jobs_run WHERE workflow = 'stage.family' AND status"
    assert count(theatre, f"{parents} = 'cancelled'") == sum(cancelled)
    assert count(theatre, f"{parents} IN ('cancelled', 'completed')") == ROUNDS


def test_a_crash_is_counted_once(theatre: Theatre) -> None:
    mine, theirs = racers.race(die_and_reap, reap, rounds=ROUNDS, environment=theatre.environment)

    assert [a + b for a, b in zip(mine, theirs, strict=True)] == [1] * ROUNDS
    assert count(theatre, "jobs_run WHERE crashes = 1") == ROUNDS


def test_a_singleton_starts_once(theatre: Theatre) -> None:
    mine, theirs = racers.race(
        start_the_only_one, start_the_only_one, rounds=ROUNDS, environment=theatre.environment
    )

    pairs = [sorted(pair) for pair in zip(mine, theirs, strict=True)]
    assert pairs == [["ready", "skipped"]] * ROUNDS

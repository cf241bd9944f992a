"""How many runs go on at once, and how often they start: decided in the claim, exact, and nobody is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.errors import Conflict
from core.ids import uuid7
from jobs import reaper, slots
from jobs.actions import cancel_run, pause_run, pause_starts, start_run
from jobs.database import is_postgres
from jobs.flow import Concurrency, Overlap, RateLimit, Singleton, Throttle
from jobs.leases import Lease, begin, claim, held, let_go
from jobs.limits import pause_key
from jobs.models import Bucket, Run
from jobs.registry import workflow
from jobs.states import RunStatus
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db

done: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    done.clear()


@workflow("test.two_at_once", concurrency=2)
def two_at_once(run, *, n: int = 0):
    done.append(n)


@workflow("test.per_client", concurrency=(Concurrency(3), Concurrency(1, key="client.id")))
def per_client(run, *, client: dict[str, int]):
    done.append(client["id"])


@workflow("test.throttled", throttle=Throttle(2, 60, key="sender"))
def throttled(run, *, sender: str, n: int):
    done.append((sender, n))


@workflow("test.rated", rate_limit=RateLimit(2, 60))
def rated(run):
    done.append("rated")


@workflow("test.only_one", singleton=Singleton(key="source"))
def only_one(run, *, source: str):
    done.append(source)


@workflow("test.newest", singleton=Singleton(key="source", overlap=Overlap.CANCEL))
def newest(run, *, source: str, n: int):
    run.sleep("a while", 3600)
    done.append(n)


def take() -> Run:
    """Claim and begin the next run, as a worker does."""
    lease = claim("main", worker_id=uuid7())
    assert lease is not None
    return begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)


def finish(run: Run) -> None:
    lease = Lease(run.pk, run.epoch, run.worker_id, tuple(run.slots))
    let_go(lease, status=RunStatus.COMPLETED)


def nothing_to_claim() -> bool:
    return claim("main", worker_id=uuid7()) is None


def statuses(name: str) -> list[str]:
    runs = Run.objects.filter(workflow=name).order_by("created_at", "id")
    return list(runs.values_list("status", flat=True))


def test_a_third_run_waits_until_one_of_two_gives_its_worker_back():
    for n in range(3):
        start_run("test.two_at_once", input={"n": n})
    first = take()
    take()

    assert nothing_to_claim()
    assert statuses("test.two_at_once") == ["running", "running", "blocked"]

    finish(first)

    assert statuses("test.two_at_once") == ["completed", "running", "ready"]
    assert take().input == {"n": 2}


def test_a_limit_for_each_key_holds_back_that_key_alone():
    for client in (7, 7, 8, 9, 10):
        start_run("test.per_client", input={"client": {"id": client}})

    taken = [take().input["client"]["id"] for _ in range(3)]

    assert taken == [7, 8, 9]
    assert nothing_to_claim()
    blocked = Run.objects.filter(status="blocked").order_by("created_at")
    assert [run.blocked_by for run in blocked] == [
        "test.per_client:client.id=7",
        "test.per_client",
    ]


def test_a_sleeping_run_takes_no_slot():
    @workflow("test.dozing", concurrency=1)
    def sleeper(run, *, n: int):
        run.sleep("an hour", 3600)
        done.append(n)

    for n in range(3):
        start_run("test.dozing", input={"n": n})

    assert run_until_idle() == 3
    assert statuses("test.dozing") == ["waiting", "waiting", "waiting"]

    run_until_idle(advance=True)

    assert sorted(done) == [0, 1, 2]


def test_what_is_blocked_stands_in_nobodys_way():
    for n in range(250):
        start_run("test.two_at_once", input={"n": n})
    other = start_run("test.rated")
    take(), take()

    lease = claim("main", worker_id=uuid7())

    assert lease
    assert lease.run_id == other.pk
    assert statuses("test.two_at_once").count("blocked") == 248


@pytest.mark.parametrize("ending", ["reaped", "cancelled", "paused"])
def test_however_a_claimed_run_ends_its_slot_goes_to_the_next(ending):
    for n in range(3):
        start_run("test.two_at_once", input={"n": n})
    worker = uuid7()
    lease = claim("main", worker_id=worker)
    take()
    assert lease
    assert nothing_to_claim()
    run = Run.objects.get(pk=lease.run_id)

    if ending == "reaped":
        assert reaper.return_claims(worker) == 1
    elif ending == "cancelled":
        cancel_run(run, actor="system")
    else:
        pause_run(run, actor="system")

    assert Run.objects.filter(status="blocked").count() == 0
    assert take().pk != lease.run_id or ending == "reaped"


def test_a_crashed_run_gives_its_slot_back():
    for n in range(3):
        start_run("test.two_at_once", input={"n": n})
    crashed = take()
    take()
    assert nothing_to_claim()

    assert reaper.give_back(crashed.pk, epoch=crashed.epoch)

    assert sorted(statuses("test.two_at_once")) == ["ready", "ready", "running"]
    assert take().pk == crashed.pk
    assert nothing_to_claim()


def test_a_forgotten_blocked_run_is_found_by_the_sweep():
    for n in range(3):
        start_run("test.two_at_once", input={"n": n})
    first = take()
    take()
    assert nothing_to_claim()
    Run.objects.filter(pk=first.pk).update(status=RunStatus.COMPLETED)  # as nobody does

    assert slots.sweep() == 1
    assert take().input == {"n": 2}


def test_throttled_starts_are_spread_and_each_key_has_a_pace_of_its_own():
    for n in range(4):
        start_run("test.throttled", input={"sender": "a", "n": n})
    start_run("test.throttled", input={"sender": "b", "n": 9})

    run_until_idle()

    assert done == [("a", 0), ("b", 9)]
    due = list(Run.objects.filter(status="waiting").order_by("due_at").values_list("due_at"))
    distances = [round((b - a).total_seconds(), 3) for (a,), (b,) in pairwise(due)]
    assert distances == [30, 30]
    assert 15 < (due[0][0] - clock.now()).total_seconds() <= 30


def test_a_pause_of_the_key_holds_also_those_that_have_their_start_already():
    for n in range(2):
        start_run("test.throttled", input={"sender": "a", "n": n})
    run_until_idle()
    key = Bucket.objects.get().key
    pause_key(key, seconds=600)

    with clock.travel(by=timedelta(seconds=31)):
        assert run_until_idle() == 0

    assert done == [("a", 0)]
    waiting = Run.objects.get(status="waiting")
    assert 598 < (waiting.due_at - clock.now()).total_seconds() < 633


def test_the_starts_of_one_key_are_held_until_a_moment_and_those_of_others_are_not():
    pause_starts("test.throttled", until=clock.now() + timedelta(minutes=10), input={"sender": "a"})
    start_run("test.throttled", input={"sender": "a", "n": 1})
    start_run("test.throttled", input={"sender": "b", "n": 2})

    run_until_idle()

    assert done == [("b", 2)]
    held = Run.objects.get(status="waiting")
    assert 598 < (held.due_at - clock.now()).total_seconds() <= 600


def test_what_has_no_throttle_cannot_be_held():
    with pytest.raises(Conflict, match="test.two_at_once has no throttle"):
        pause_starts("test.two_at_once", until=clock.now() + timedelta(minutes=10))
    assert not Bucket.objects.exists()


def test_a_throttle_asks_for_the_first_entry_alone():
    @workflow("test.throttled_sleeper", throttle=Throttle(1, 3600))
    def throttled_sleeper(run):
        run.sleep("a minute", 60)
        done.append("awake")

    start_run("test.throttled_sleeper")
    run_until_idle()

    with clock.travel(by=timedelta(seconds=61)):
        run_until_idle()

    assert done == ["awake"]


def test_what_a_rate_limit_does_not_allow_is_skipped_and_says_so():
    runs = [start_run("test.rated") for _ in range(3)]

    run_until_idle()

    assert done == ["rated", "rated"]
    assert runs[2].status == RunStatus.SKIPPED
    assert runs[2].reason == "rate limit: 2 in 60 s, others are skipped"


def test_a_rate_limit_is_not_asked_for_a_start_that_was_made_before():
    first = start_run("test.rated", idempotency_key="once")
    again = [start_run("test.rated", idempotency_key="once") for _ in range(5)]

    assert {run.pk for run in again} == {first.pk}
    assert start_run("test.rated").status == RunStatus.READY


def test_a_second_start_of_a_singleton_is_skipped_while_the_first_is_not_over():
    first = start_run("test.only_one", input={"source": "za"})
    second = start_run("test.only_one", input={"source": "za"})
    other = start_run("test.only_one", input={"source": "uk"})

    assert second.status == RunStatus.SKIPPED
    assert second.reason == f"singleton: {first.public_id} is not over"
    assert other.status == RunStatus.READY

    run_until_idle()
    third = start_run("test.only_one", input={"source": "za"})

    assert third.status == RunStatus.READY
    run_until_idle()
    assert done == ["za", "uk", "za"]


def test_a_newer_singleton_cancels_the_older_and_never_runs_beside_it():
    older = start_run("test.newest", input={"source": "za", "n": 1})
    older = take()
    newer = start_run("test.newest", input={"source": "za", "n": 2})

    assert nothing_to_claim()
    older.refresh_from_db()
    assert (older.status, older.cancel_requested_by) == (
        "running",
        f"singleton:{newer.public_id}",
    )
    newer.refresh_from_db()
    assert newer.status == RunStatus.BLOCKED

    lease = Lease(older.pk, older.epoch, older.worker_id, tuple(older.slots))
    assert held(lease).exists()
    let_go(lease, status=RunStatus.CANCELLED)

    assert take().pk == newer.pk


def test_a_workflow_cannot_declare_more_slots_than_a_run_has():
    with pytest.raises(ValueError, match="at most 2 limits of concurrency"):
        workflow("test.greedy", concurrency=[Concurrency(1), Concurrency(2), Concurrency(3)])(
            lambda run: None
        )


@pytest.mark.skipif(not is_postgres(), reason="SQLite's loops see every commit")
def test_whoever_is_freed_is_announced():
    """Else an idle cluster would let a quarter of a second go by between two runs of a narrow workflow."""
    for n in range(3):
        start_run("test.two_at_once", input={"n": n})
    first, _ = claim("main", worker_id=uuid7()), claim("main", worker_id=uuid7())
    assert claim("main", worker_id=uuid7()) is None
    begin(first.run_id, epoch=first.epoch, worker_id=first.worker_id)

    with CaptureQueriesContext(connection) as queries:
        let_go(replace(first, slots=("test.two_at_once",)), status=RunStatus.WAITING)

    assert sum("pg_notify" in query["sql"] for query in queries) == 1

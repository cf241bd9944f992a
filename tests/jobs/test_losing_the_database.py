"""A database that goes away costs time and nothing else: runs are given back as soon as it answers again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import IntegrityError, OperationalError, connection

from core.ids import uuid7
from jobs import broker, reaper, supervisor, timers, wakeup, worker
from jobs.actions import start_run
from jobs.database import is_postgres
from jobs.leases import begin, claim, let_go
from jobs.models import Run, WorkerProcess
from jobs.registry import workflow
from jobs.testing import run_one

pytestmark = pytest.mark.django_db(transaction=True)

GONE = OperationalError("server closed the connection unexpectedly")
troubles: list[Exception] = []


@workflow("test.troubled")
def troubled(run) -> str:
    if troubles:
        raise troubles.pop()
    return "done"


@workflow("test.troubled_in_a_step")
def troubled_in_a_step(run) -> str:
    return run.transaction("write", troubled, run)


@workflow("test.patient")
def patient(run) -> None:
    run.snooze(60)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Note the waits instead of waiting."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    yield waits
    troubles.clear()


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the connection be found dead."""
    monkeypatch.setattr(connection, "is_usable", lambda: False)


def failing(times: int, function: Callable[..., object]) -> Callable[..., object]:
    """Return the function, which finds no database so many times first."""
    left = [GONE] * times

    def answer(*args: object, **kw: object) -> object:
        if left:
            raise left.pop()
        return function(*args, **kw)

    return answer


def test_a_run_whose_database_was_lost_is_given_back_at_once_and_that_is_no_crash_of_it(lost):
    run = start_run("test.troubled")
    troubles.append(GONE)

    assert run_one() == "given back"

    run.refresh_from_db()
    assert (run.status, run.crashes, run.worker_id, run.lease_until) == ("ready", 0, None, None)
    assert run_one() == "completed"


def test_a_step_that_lost_the_database_has_not_failed_and_is_not_kept_waiting(lost):
    run = start_run("test.troubled_in_a_step")
    troubles.append(GONE)

    assert run_one() == "given back"

    run.refresh_from_db()
    assert (run.status, run.crashes, run.failed_attempts.count()) == ("ready", 0, 0)
    assert run_one() == "completed"


def test_a_database_that_is_away_for_a_while_is_waited_for(lost, monkeypatch, no_waiting):
    start_run("test.troubled")
    troubles.append(GONE)
    monkeypatch.setattr(reaper, "give_back", failing(3, reaper.give_back))

    assert run_one() == "given back"

    assert no_waiting == [worker.WAIT_SECONDS] * 3
    assert Run.objects.get().status == "ready"


def test_a_run_that_was_lost_before_it_was_driven_is_given_back(monkeypatch, lost):
    start_run("test.troubled")
    monkeypatch.setattr(worker, "begin", failing(1, begin))

    assert run_one() == "given back"

    assert Run.objects.get().status == "ready"


@pytest.mark.parametrize(
    "trouble",
    [
        IntegrityError("duplicate key"),
        OperationalError("canceling statement due to statement timeout"),
        OperationalError("deadlock detected"),
    ],
    ids=str,
)
def test_trouble_on_a_sound_connection_is_the_runs_own_and_kept_with_its_traceback(trouble):
    run = start_run("test.troubled")
    troubles.append(trouble)

    assert run_one() == "retrying"

    run.refresh_from_db()
    assert (run.status, run.crashes, run.attempts) == ("waiting", 0, 1)
    assert run.error["type"] == type(trouble).__name__
    assert str(trouble) in run.error["traceback"]


def test_what_holds_the_run_meanwhile_keeps_it(lost):
    run = start_run("test.troubled")
    old = claim("main", worker_id=uuid7())
    begin(old.run_id, epoch=old.epoch, worker_id=old.worker_id)
    let_go(old, status="ready")
    new = claim("main", worker_id=uuid7())

    assert reaper.give_back(run.pk, epoch=old.epoch) is False

    run.refresh_from_db()
    assert (run.status, run.epoch, run.worker_id) == ("claimed", new.epoch, new.worker_id)


def test_crashes_and_failures_of_long_ago_are_forgiven_when_a_run_comes_through():
    run = start_run("test.patient")
    Run.objects.update(crashes=2, attempts=3)

    assert run_one() == "waiting"

    run.refresh_from_db()
    assert (run.status, run.crashes, run.attempts) == ("waiting", 0, 0)


def test_a_broker_loop_finds_its_claims_again_after_losing_the_database(monkeypatch, no_waiting):
    start_run("test.troubled")
    queue = broker.RunBroker("main")
    assert len(queue.dequeue()) == 1
    monkeypatch.setattr(timers, "promote_due", failing(1, timers.promote_due))

    assert queue.dequeue() is None
    assert len(queue.dequeue()) == 1

    run = Run.objects.get()
    assert (run.status, run.epoch) == ("claimed", 2)
    assert WorkerProcess.objects.get().pk == run.worker_id
    assert no_waiting == [broker.RECOVERY_SECONDS]
    queue._forget_loop()


def test_a_listening_connection_that_is_cut_is_a_database_error():
    if not is_postgres():
        pytest.skip("SQLite has no connection that could be cut")
    ear = wakeup.listen("main")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(%s)", [ear._connection.connection.info.backend_pid]
        )

    with pytest.raises(OperationalError):
        ear.wait(5)

    ear.close()


def test_a_supervisor_waits_for_its_database(monkeypatch, no_waiting):
    monkeypatch.setattr(reaper, "bury_dead_processes", failing(2, reaper.bury_dead_processes))

    assert supervisor.Supervisor(stop_seconds=1)._wait_for_the_database() is True

    assert no_waiting == [supervisor.WATCH_SECONDS] * 2


def test_a_supervisor_does_not_call_a_cluster_frozen_because_the_database_was_away(monkeypatch):
    watching = supervisor.Supervisor(stop_seconds=1)
    watching._process = type("Alive", (), {"poll": lambda self: None})()
    replaced: list[str] = []
    monkeypatch.setattr(watching, "_replace", lambda: replaced.append("replaced"))
    monkeypatch.setattr(reaper, "bury_dead_processes", failing(1, reaper.bury_dead_processes))

    watching._look_after()
    watching._look_after()

    assert replaced == []

"""Starting, cancelling, failing and retrying runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.errors import Conflict, NotFound, PermanentFailure, Refused
from core.models import AuditEntry
from jobs.actions import cancel_run, retry_run, start_run
from jobs.models import Run
from jobs.registry import workflow
from jobs.retrying import NO_RETRY, Retry
from jobs.testing import run_one, run_until_idle

pytestmark = pytest.mark.django_db

calls: list[str] = []
is_mended = [False]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()
    is_mended[0] = False


@workflow("test.note")
def note(run, *, word="done"):
    calls.append(word)
    return word


def test_a_run_is_served_oldest_first_and_priority_moves_it_forward():
    start_run("test.note", input={"word": "first"})
    start_run("test.note", input={"word": "second"})
    start_run("test.note", input={"word": "urgent"}, priority=60)

    run_until_idle()

    assert calls == ["urgent", "first", "second"]


def test_an_idempotency_key_starts_one_run_however_often_it_is_used():
    first = start_run("test.note", idempotency_key="order-1")
    again = start_run("test.note", idempotency_key="order-1")
    other = start_run("test.note", idempotency_key="order-2")

    assert again.pk == first.pk
    assert other.pk != first.pk
    assert run_until_idle() == 2


def test_a_delayed_start_waits_for_its_moment():
    moment = clock.now() + timedelta(hours=2)
    start_run("test.note", due_at=moment)

    assert run_until_idle() == 0
    with clock.travel(to=moment):
        assert run_until_idle() == 1


def test_an_unknown_workflow_is_refused_naming_those_there_are():
    with pytest.raises(NotFound, match="no workflow 'test.nothing'.*Known are: .*test.note"):
        start_run("test.nothing")
    assert Run.objects.count() == 0


def test_input_that_is_not_json_is_refused():
    with pytest.raises(Refused, match="input of a run must be JSON"):
        start_run("test.note", input={"word": object()})
    assert Run.objects.count() == 0


def test_a_workflow_unknown_to_this_code_is_put_back_and_not_failed():
    run = start_run("test.note")
    Run.objects.update(workflow="test.of_a_newer_deploy")

    run_until_idle()

    run.refresh_from_db()
    assert run.status == Run.Status.WAITING
    assert 29 < (run.due_at - clock.now()).total_seconds() <= 30


def test_a_waiting_run_is_cancelled_at_once():
    run = start_run("test.note", due_at=clock.now() + timedelta(hours=1))

    cancel_run(run, actor="staff:alice")

    assert (run.status, run.cancel_requested_by) == (Run.Status.CANCELLED, "staff:alice")
    with clock.travel(by=timedelta(hours=2)):
        assert run_until_idle() == 0
    assert AuditEntry.objects.filter(verb="run.cancel", actor="staff:alice").count() == 1


@workflow("test.cancels_itself")
def cancels_itself(run):
    run.step("one", calls.append, "one")
    cancel_run(Run.objects.get(), actor="staff:alice")
    run.step("two", calls.append, "two")
    run.step("three", calls.append, "three")


def test_a_running_run_is_cancelled_at_its_next_checkpoint():
    run = start_run("test.cancels_itself")

    run_until_idle()

    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert calls == ["one", "two"]


def test_a_run_that_is_over_cannot_be_cancelled():
    run = start_run("test.note")
    run_until_idle()

    with pytest.raises(Conflict, match="is completed. It has ended already"):
        cancel_run(run, actor="staff:alice")


def may_fail() -> str:
    calls.append("try")
    if not is_mended[0]:
        raise PermanentFailure("broken")
    return "mended"


@workflow("test.mendable", on_failure="test.heard")
def mendable(run):
    run.step("before", calls.append, "before")
    return run.step("work", may_fail)


@workflow("test.heard")
def heard(run, **told):
    calls.append(f"heard {told['error']['message']} of {told['run'][:4]}")


def test_a_person_retries_a_failed_run_from_the_failed_step():
    run = start_run("test.mendable")
    run_one()
    is_mended[0] = True
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED

    retry_run(run, actor="staff:alice")
    run_until_idle()

    run.refresh_from_db()
    assert (run.status, run.output, run.error) == (Run.Status.COMPLETED, "mended", None)
    assert [c for c in calls if not c.startswith("heard")] == ["before", "try", "try"]


def test_only_a_failed_run_can_be_retried():
    run = start_run("test.note")

    with pytest.raises(Conflict, match="Only a failed run can be retried"):
        retry_run(run, actor="staff:alice")


@workflow("test.broken_outside_steps", retry=Retry((60, 60)))
def broken_outside_steps(run):
    calls.append("enter")
    raise ValueError("bug")


def test_an_error_outside_steps_follows_the_runs_own_table():
    run = start_run("test.broken_outside_steps")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.error["type"], calls) == (
        Run.Status.FAILED,
        "ValueError",
        ["enter"] * 3,
    )


@workflow("test.snoozer", retry=NO_RETRY)
def snoozer(run, *, name):
    calls.append(name)
    if calls.count(name) < 2:
        run.snooze()


def test_a_snoozing_run_goes_to_the_back_of_the_queue():
    start_run("test.snoozer", input={"name": "a"})
    start_run("test.snoozer", input={"name": "b"})

    run_until_idle()

    assert calls == ["a", "b", "a", "b"]

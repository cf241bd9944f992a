"""Fan-out and join: children run each once, the parent holds no worker, and no end is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.errors import PermanentFailure
from jobs import deadlines
from jobs.actions import cancel_run, retry_run, start_run
from jobs.children import ChildFailed, ChildrenFailed
from jobs.flow import Overlap, Singleton
from jobs.models import Join, Run
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.states import RunStatus
from jobs.testing import run_one, run_until_idle

pytestmark = pytest.mark.django_db

calls: list[object] = []
broken: set[int] = set()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()
    broken.clear()


@workflow("test.child", retry=NO_RETRY)
def child(run, *, n: int):
    def work():
        calls.append(n)
        if n in broken:
            raise PermanentFailure(f"{n} is broken")
        return n * n

    return run.step("work", work)


@workflow("test.parent", retry=NO_RETRY)
def parent(run, *, count: int, parallel: int | None = None, failures: str = "raise"):
    squares = run.map(
        "square",
        "test.child",
        [{"n": n} for n in range(count)],
        parallel=parallel,
        failures=failures,
    )
    told = [
        f"{each.status}: {each.message}" if isinstance(each, ChildFailed) else each
        for each in squares
    ]
    return run.step("tell", lambda: told)


@workflow("test.caller", retry=NO_RETRY)
def caller(run, *, n: int):
    try:
        return run.invoke("ask", "test.child", n=n)
    except ChildrenFailed as error:
        return str(error.failed[0].message)


def outcome(run: Run) -> tuple[str, object]:
    run.refresh_from_db()
    return run.status, run.output


def test_outputs_come_in_the_order_of_the_inputs():
    run = start_run("test.parent", input={"count": 7})

    run_until_idle()

    assert outcome(run) == ("completed", [0, 1, 4, 9, 16, 25, 36])
    assert sorted(calls) == list(range(7))


def test_the_parent_holds_no_worker_while_it_waits():
    run = start_run("test.parent", input={"count": 2})

    assert run_one() == "waiting"

    run.refresh_from_db()
    assert (run.status, run.due_at, run.worker_id) == (RunStatus.WAITING, None, None)
    assert Join.objects.get().remaining == 2


def test_no_inputs_are_no_children():
    run = start_run("test.parent", input={"count": 0})

    run_until_idle()

    assert outcome(run) == ("completed", [])
    assert Run.objects.count() == 1


def test_so_many_go_on_at_once_and_the_end_of_each_frees_the_next():
    run = start_run("test.parent", input={"count": 5, "parallel": 2})
    run_one()

    assert Run.objects.filter(status="ready").count() == 2
    assert Run.objects.filter(status="blocked").count() == 3

    run_one()

    assert Run.objects.filter(status="ready").count() == 2
    run_until_idle()
    assert outcome(run) == ("completed", [0, 1, 4, 9, 16])


def test_a_failure_fails_the_step_when_all_have_ended():
    broken.update({1, 3})
    run = start_run("test.parent", input={"count": 5})

    run_until_idle()

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert run.error["type"] == "ChildrenFailed"
    assert run.error["message"].startswith("2 of 5 children did not complete: run_")
    assert "1 is broken" in run.error["message"]
    assert sorted(calls) == list(range(5))


def test_the_first_failure_can_stop_the_others():
    broken.add(0)
    run = start_run("test.parent", input={"count": 5, "parallel": 1, "failures": "stop"})

    run_until_idle()

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert calls == [0]
    ended = Run.objects.filter(parent=run).order_by("child_index").values_list("status", flat=True)
    assert list(ended) == ["failed", "cancelled", "cancelled", "cancelled", "cancelled"]


def test_failures_can_be_kept_in_the_place_of_their_outputs():
    broken.add(2)
    run = start_run("test.parent", input={"count": 4, "failures": "keep"})

    run_until_idle()

    assert outcome(run) == ("completed", [0, 1, "failed: 2 is broken", 9])


def test_a_retry_of_the_parent_takes_up_the_failed_children_alone():
    broken.update({1, 3})
    run = start_run("test.parent", input={"count": 5})
    run_until_idle()
    calls.clear()
    broken.clear()

    retry_run(run, actor="system")
    run_until_idle()

    assert outcome(run) == ("completed", [0, 1, 4, 9, 16])
    assert sorted(calls) == [1, 3]


def test_a_child_that_a_person_cancels_counts_as_one_that_did_not_complete():
    run = start_run("test.parent", input={"count": 2, "failures": "keep"})
    run_one()
    cancel_run(Run.objects.get(child_index=1), actor="system")

    run_until_idle()

    assert outcome(run) == ("completed", [0, "cancelled: "])


def test_a_parent_that_was_late_takes_up_its_cancelled_children_when_it_is_retried():
    @workflow("test.late_parent", retry=NO_RETRY, deadline=3600)
    def late_parent(run):
        return sum(run.map("square", "test.child", [{"n": n} for n in range(5)], parallel=2))

    run = start_run("test.late_parent")
    run_one()  # starts them
    run_one()  # the first ends
    with clock.travel(by=timedelta(hours=2)):
        deadlines.enforce()
        assert statuses("test.child") == ["completed", *["cancelled"] * 4]
        run.refresh_from_db()
        assert (run.status, Join.objects.get().remaining) == ("failed", 0)

        retry_run(run, actor="staff:alice")
        run_until_idle()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", 0 + 1 + 4 + 9 + 16)
    assert calls == [0, 1, 2, 3, 4]


def test_a_thousand_children_are_cancelled_in_a_few_statements():
    run = start_run("test.parent", input={"count": 1000})
    run_one()

    with CaptureQueriesContext(connection) as queries:
        cancel_run(run, actor="staff:alice")

    assert statuses("test.child") == ["cancelled"] * 1000
    assert set(Run.objects.filter(parent=run).values_list("cancel_requested_by", flat=True)) == {
        f"run:{run.public_id}"
    }
    assert len(queries) < 40


def statuses(workflow: str) -> list[str]:
    runs = Run.objects.filter(workflow=workflow).order_by("child_index")
    return list(runs.values_list("status", flat=True))


def test_cancelling_the_parent_cancels_its_children_and_theirs():
    @workflow("test.grandparent")
    def grandparent(run):
        return run.map("families", "test.parent", [{"count": 2}, {"count": 2}])

    run = start_run("test.grandparent")
    run_one()
    run_one()
    assert Run.objects.count() == 5

    cancel_run(run, actor="staff:alice")

    assert set(Run.objects.values_list("status", flat=True)) == {"cancelled"}
    assert run_until_idle() == 0
    assert calls == []


def test_invoke_returns_what_the_other_workflow_returns_or_tells_why_not():
    fine = start_run("test.caller", input={"n": 6})
    broken.add(7)
    bad = start_run("test.caller", input={"n": 7})

    run_until_idle()

    assert outcome(fine) == ("completed", 36)
    assert outcome(bad) == ("completed", "7 is broken")


def test_ten_thousand_children_are_one_step():
    run = start_run("test.parent", input={"count": 10_000, "parallel": 3})
    run_one()

    assert Run.objects.filter(parent=run).count() == 10_000
    assert Run.objects.filter(status="ready").count() == 3

    cancel_run(run, actor="system")

    assert Run.objects.filter(status="cancelled").count() == 10_001


def test_input_that_does_not_fit_the_child_fails_the_parent_and_starts_none():
    @workflow("test.careless", retry=NO_RETRY)
    def careless(run):
        return run.map("square", "test.child", [{"n": 1}, {"n": "many"}])

    run = start_run("test.careless")

    run_until_idle()

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "n: input should be a valid integer" in run.error["message"]
    assert Run.objects.count() == 1


def test_a_child_that_is_retried_while_its_parent_waits_is_waited_for():
    broken.add(0)
    run = start_run("test.parent", input={"count": 3})
    run_one()  # starts them
    run_one()  # the first fails
    broken.clear()

    retry_run(Run.objects.get(child_index=0), actor="staff:alice")
    assert Join.objects.values_list("remaining", "failed").get() == (3, 0)
    run_until_idle()

    assert outcome(run) == ("completed", [0, 1, 4])
    assert Join.objects.values_list("remaining", "failed").get() == (0, 0)


def test_a_retry_of_the_parent_waits_for_a_child_that_was_retried_by_itself():
    broken.update({0, 2})
    run = start_run("test.parent", input={"count": 3})
    run_until_idle()
    broken.clear()
    calls.clear()

    retry_run(Run.objects.get(child_index=0), actor="staff:alice")
    retry_run(run, actor="staff:alice")
    run_until_idle()

    assert outcome(run) == ("completed", [0, 1, 4])
    assert sorted(calls) == [0, 2]


def test_children_that_are_taken_up_again_are_no_more_at_once_than_they_may():
    broken.update(range(5))
    run = start_run("test.parent", input={"count": 5, "parallel": 2})
    run_until_idle()
    broken.clear()

    retry_run(run, actor="staff:alice")
    run_one()

    assert statuses("test.child") == ["ready", "ready", "blocked", "blocked", "blocked"]
    run_until_idle()
    assert outcome(run) == ("completed", [0, 1, 4, 9, 16])


@workflow("test.sole_child", singleton=Singleton(key="n"))
def sole_child(run, *, n: int):
    calls.append(n)
    return n


@workflow("test.newest_child", singleton=Singleton(key="n", overlap=Overlap.CANCEL))
def newest_child(run, *, n: int, place: int):
    return place


@pytest.mark.parametrize("parallel", [None, 1], ids=["all at once", "one by one"])
def test_a_child_that_a_singleton_does_not_allow_is_skipped_and_the_others_go_on(parallel):
    @workflow("test.parent_of_sole")
    def parent_of_sole(run, *, parallel):
        inputs = [{"n": n} for n in (1, 7, 1, 2)]
        got = run.map("each", "test.sole_child", inputs, parallel=parallel, failures="keep")
        return [str(each).partition(" ")[2] or each for each in got]

    elsewhere = start_run("test.sole_child", input={"n": 1}, due_at=clock.now() + timedelta(days=1))
    run = start_run("test.parent_of_sole", input={"parallel": parallel})

    run_until_idle()

    skipped = f"skipped: singleton: {elsewhere.public_id} is not over"
    assert outcome(run) == ("completed", [skipped, 7, skipped, 2])
    assert Join.objects.get().remaining == 0


def test_children_of_which_none_may_be_leave_nobody_waiting():
    @workflow("test.parent_of_none", retry=NO_RETRY)
    def parent_of_none(run):
        return run.invoke("one", "test.sole_child", n=1)

    start_run("test.sole_child", input={"n": 1}, due_at=clock.now() + timedelta(days=1))
    run = start_run("test.parent_of_none")

    run_until_idle()

    run.refresh_from_db()
    assert (run.status, calls) == (RunStatus.FAILED, [])
    assert "1 of 1 children did not complete" in run.error["message"]


@pytest.mark.parametrize("parallel", [None, 1], ids=["all at once", "one by one"])
def test_the_newest_of_sisters_cancels_the_older_and_their_parent_wakes(parallel):
    @workflow("test.parent_of_newest")
    def parent_of_newest(run, *, parallel):
        inputs = [{"n": 1, "place": place} for place in range(3)]
        got = run.map("each", "test.newest_child", inputs, parallel=parallel, failures="keep")
        return [getattr(each, "status", each) for each in got]

    run = start_run("test.parent_of_newest", input={"parallel": parallel})

    run_until_idle()

    assert outcome(run) == ("completed", ["cancelled", "cancelled", 2])

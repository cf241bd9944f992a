"""Starts that become one run: debounce waits for quiet, a batch for company."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.errors import Refused
from jobs.actions import replay_run, start_run, start_runs
from jobs.events import dispatching
from jobs.events.sending import NewEvent, send_event, send_events
from jobs.flow import Batch, Concurrency, Debounce, Singleton
from jobs.models import EventEffect, Run, Wait
from jobs.registry import workflow
from jobs.testing import run_until_idle
from jobs.triggers import CancelOn, Trigger

pytestmark = pytest.mark.django_db

calls: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


@workflow(
    "test.quiet",
    triggers=[Trigger("page.edited")],
    debounce=Debounce(60, key="page", at_most=150),
    concurrency=(Concurrency(1, key="by"),),
    cancel_on=[CancelOn("page.deleted", {"by": "by"})],
    deadline=600,
)
def quiet(run, *, page: int, by: str = ""):
    calls.append((page, by))


@workflow("test.together", triggers=[Trigger("row.added")], batch=Batch(3, 60, key="table"))
def together(run):
    calls.append([event.data["n"] for event in run.events])


def edited(page: int, by: str = "") -> None:
    send_event("page.edited", {"page": page, "by": by})
    dispatching.dispatch_new()


def added(*numbers: int, table: str = "t") -> None:
    send_events([NewEvent("row.added", {"n": n, "table": table}) for n in numbers])
    dispatching.dispatch_new()


def effects() -> list[tuple[str, str]]:
    return list(EventEffect.objects.order_by("id").values_list("kind", "detail"))


def test_only_the_last_start_counts_and_only_after_quiet():
    edited(1, "ada")
    begin = clock.now()
    with clock.travel(to=begin + timedelta(seconds=50)):
        edited(1, "grace")
    with clock.travel(to=begin + timedelta(seconds=100)):
        run_until_idle()
        assert calls == []
    with clock.travel(to=begin + timedelta(seconds=111)):
        run_until_idle()

    assert calls == [(1, "grace")]
    run = Run.objects.get()
    assert (run.event.data["by"], run.slot) == ("grace", 'test.quiet:by="grace"')
    assert (run.deadline_at - run.due_at) == timedelta(seconds=600)
    assert effects() == [("started", ""), ("started", "gathered into a run that had not begun")]


def test_quiet_is_kept_for_each_key():
    edited(1)
    edited(2)
    edited(1, "again")

    run_until_idle(advance=True)

    assert sorted(calls) == [(1, "again"), (2, "")]


def test_a_debounced_run_begins_at_the_latest_when_it_was_said():
    begin = clock.now()
    for seconds in (0, 50, 100, 140):
        with clock.travel(to=begin + timedelta(seconds=seconds)):
            edited(1, str(seconds))
    with clock.travel(to=begin + timedelta(seconds=151)):
        run_until_idle()
        assert calls == [(1, "140")]
        edited(1, "next")
        run_until_idle(advance=True)

    assert calls == [(1, "140"), (1, "next")]


def test_starts_by_code_flow_together_too_and_name_the_same_run():
    first = start_run("test.quiet", input={"page": 1})
    second = start_run("test.quiet", input={"page": 1, "by": "bob"})
    many = start_runs("test.quiet", [{"page": 1}, {"page": 2}, {"page": 1, "by": "last"}])

    assert first.pk == second.pk == many[0].pk == many[2].pk != many[1].pk
    run_until_idle(advance=True)
    assert sorted(calls) == [(1, "last"), (2, "")]


def test_what_cancels_a_debounced_run_is_what_its_last_start_says():
    edited(1, "ada")
    edited(1, "grace")

    assert list(Wait.objects.values_list("key", flat=True)) == ['page.deleted?{"by":"grace"}']
    send_event("page.deleted", {"by": "ada"})
    dispatching.dispatch_new()
    assert Run.objects.get().status == "waiting"
    send_event("page.deleted", {"by": "grace"})
    dispatching.dispatch_new()
    assert Run.objects.get().status == "cancelled"
    edited(1, "next")
    run_until_idle(advance=True)
    assert calls == [(1, "next")]


def test_a_full_batch_begins_at_once_and_the_next_event_opens_another():
    added(1, 2, 3, 4)

    run_until_idle()

    assert calls == [[1, 2, 3]]
    run_until_idle(advance=True)
    assert calls == [[1, 2, 3], [4]]


def test_a_batch_that_is_not_full_begins_when_its_time_is_over():
    begin = clock.now()
    added(1)
    with clock.travel(to=begin + timedelta(seconds=59)):
        added(2)
        run_until_idle()
        assert calls == []
    with clock.travel(to=begin + timedelta(seconds=61)):
        run_until_idle()

    assert calls == [[1, 2]]


def test_an_event_that_comes_when_the_time_of_a_batch_is_over_opens_another():
    added(1)
    with clock.travel(by=timedelta(seconds=61)):
        added(2)
        run_until_idle()
        assert calls == [[1]]
        run_until_idle(advance=True)

    assert calls == [[1], [2]]


def test_batches_are_kept_apart_by_their_key():
    added(1, 2, table="a")
    added(3, table="b")
    added(4, table="a")

    run_until_idle(advance=True)

    assert calls == [[1, 2, 4], [3]]


def test_a_replay_of_a_batch_has_its_events_and_begins_at_once():
    added(1, 2, 3)
    run_until_idle()

    replay_run(Run.objects.get(), actor="system")
    run_until_idle()

    assert calls == [[1, 2, 3]] * 2


def test_a_run_of_a_batch_that_was_started_by_hand_has_no_events():
    start_run("test.together")
    start_run("test.together")

    run_until_idle()

    assert calls == [[], []]


def test_input_that_does_not_fit_is_refused_and_the_waiting_run_stays_as_it_was():
    start_run("test.quiet", input={"page": 1})

    with pytest.raises(Refused):
        start_run("test.quiet", input={"page": "one"})

    assert Run.objects.get().input == {"page": 1}


@pytest.mark.parametrize(
    "declared",
    [
        {"debounce": Debounce(1), "batch": Batch(2, 1)},
        {"debounce": Debounce(1), "singleton": Singleton()},
        {"batch": Batch(2, 1)},
    ],
    ids=["both", "singleton", "no trigger"],
)
def test_what_makes_no_sense_together_cannot_be_declared(declared):
    with pytest.raises(ValueError, match=r"test\.senseless"):
        workflow("test.senseless", **declared)(lambda run: None)


@pytest.mark.parametrize("make", [lambda: Batch(1, 1), lambda: Batch(2, 0), lambda: Debounce(0)])
def test_limits_that_cannot_be_are_refused(make):
    with pytest.raises(ValueError, match=r"Batch|Debounce"):
        make()

"""A run that waits for an event misses none, whether it comes before the wait, with it or after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from jobs.actions import cancel_run, start_run
from jobs.events.dispatching import dispatch_new
from jobs.events.finding import On
from jobs.events.sending import send_event
from jobs.models import EventEffect, EventKey, EventShape, Run, Wait
from jobs.registry import workflow
from jobs.testing import run_one, run_until_idle

pytestmark = pytest.mark.django_db


@workflow("test.waits")
def waits(run, *, client, timeout=None):
    event = run.wait_for("paid", "order.paid", match={"client": client}, timeout=timeout)
    return event and event.data["n"]


def paid(client=7, n=1, **more):
    return send_event("order.paid", {"client": client, "n": n, **more})


def waiting(client=7, **input) -> Run:
    run = start_run("test.waits", input={"client": client, **input})
    run_until_idle()
    run.refresh_from_db()
    assert run.status == Run.Status.WAITING
    return run


def end_of(run: Run) -> tuple[str, object]:
    run_until_idle()
    run.refresh_from_db()
    return run.status, run.output


def test_an_event_after_the_wait_wakes_the_run():
    run = waiting()
    assert run.due_at is None

    paid()

    assert end_of(run) == ("completed", 1)
    assert Wait.objects.count() == 0


def test_an_event_before_the_wait_is_found():
    run = start_run("test.waits", input={"client": 7})
    paid()

    assert run_until_idle() == 1
    assert end_of(run) == ("completed", 1)


def test_an_event_that_has_not_taken_effect_yet_wakes_the_run_soon():
    waiting(client=1)  # events have keys for such waits from here on
    run = start_run("test.waits", input={"client": 7})
    paid()
    run_one()  # looks before the event is dispatched

    run.refresh_from_db()
    assert run.status == Run.Status.WAITING
    assert end_of(run) == ("completed", 1)


def test_an_event_from_before_the_runs_start_does_not_count():
    paid()

    waiting()


def test_an_event_of_another_name_or_value_wakes_nobody():
    run = waiting()

    paid(client=8)
    send_event("order.shipped", {"client": 7})

    assert run_until_idle() == 0
    run.refresh_from_db()
    assert run.status == Run.Status.WAITING


def test_the_oldest_event_counts():
    run = start_run("test.waits", input={"client": 7})
    for n in (1, 2, 3):
        paid(n=n)

    assert end_of(run) == ("completed", 1)


def test_one_event_wakes_every_run_that_waits_for_it():
    runs = [waiting() for _ in range(3)]

    event = paid()

    assert [end_of(run) for run in runs] == [("completed", 1)] * 3
    assert event.effects.filter(kind="woke").count() == 3


def test_a_wait_ends_at_its_time_and_not_before():
    run = waiting(timeout=3600)
    assert run.due_at == run.steps.get().wake_at

    with clock.travel(to=run.due_at - timedelta(seconds=1)):
        assert run_until_idle() == 0
    with clock.travel(to=run.due_at):
        assert end_of(run) == ("completed", None)
    assert Wait.objects.count() == 0


def test_an_event_at_the_very_end_of_the_time_wins():
    run = waiting(timeout=3600)

    with clock.travel(to=run.due_at):
        paid()
        assert end_of(run) == ("completed", 1)


def test_an_event_that_came_in_time_wins_though_nobody_has_dispatched_it():
    run = waiting(timeout=3600)

    with clock.travel(to=run.due_at):
        paid()
        Run.objects.filter(pk=run.pk).update(status="ready", due_at=None)
        run_one()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", 1)


def test_an_event_after_the_time_does_not_count_however_late_the_run_is_taken_up():
    run = waiting(timeout=3600)

    with clock.travel(to=run.due_at + timedelta(minutes=5)):
        paid()
        assert end_of(run) == ("completed", None)


def test_the_time_of_a_wait_is_stored_once():
    run = waiting(timeout=3600)
    due = run.due_at

    with clock.travel(by=timedelta(minutes=30)):
        Run.objects.filter(pk=run.pk).update(status="ready")  # woken needlessly
        run_one()

    run.refresh_from_db()
    assert (run.status, run.due_at) == (Run.Status.WAITING, due)
    assert Wait.objects.count() == 1


@workflow("test.waits_twice")
def waits_twice(run):
    first = run.wait_for("first", "order.paid")
    second = run.wait_for("second", "order.paid", timeout=60)
    return [first.data["n"], second and second.data["n"]]


def test_two_waits_get_two_events():
    run = start_run("test.waits_twice")
    paid(n=1)
    paid(n=2)

    assert end_of(run) == ("completed", [1, 2])


def test_one_event_is_no_answer_to_two_waits():
    run = start_run("test.waits_twice")
    paid(n=1)

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert run.output == [1, None]


@workflow("test.waits_for_any")
def waits_for_any(run):
    event = run.wait_any(
        "decision",
        On("order.paid", {"client": 7}),
        On("order.cancelled", {"order.client": 7}),
        timeout=60,
    )
    return event and event.name


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("order.paid", {"client": 7}),
        ("order.cancelled", {"order": {"client": 7}}),
    ],
)
def test_the_first_of_several_ends_the_wait(name, data):
    run = start_run("test.waits_for_any")
    run_until_idle()
    assert Wait.objects.count() == 2

    send_event(name, data)

    assert end_of(run) == ("completed", name)
    assert Wait.objects.count() == 0


def test_none_of_several_in_time_is_none():
    run = start_run("test.waits_for_any")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", None)


@workflow("test.waits_when")
def waits_when(run):
    event = run.wait_for("large", "order.paid", when=lambda event: event.data["n"] > 10)
    return event.data["n"]


def test_a_further_condition_decides_among_those_that_fit():
    run = start_run("test.waits_when")
    paid(n=1)
    run_until_idle()
    paid(n=2)
    run_until_idle()
    run.refresh_from_db()
    assert run.status == Run.Status.WAITING

    paid(n=11)

    assert end_of(run) == ("completed", 11)


@workflow("test.received")
def received(run):
    event = run.wait_for("paid", "order.paid")
    run.sleep("a while", 60)
    return [event.name, event.data, event.id, event.at.isoformat(), event.extra]


def test_what_was_received_is_the_same_after_a_replay():
    run = start_run("test.received")
    event = paid(n=5)

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert run.output == [
        "order.paid",
        {"client": 7, "n": 5},
        event.public_id,
        event.occurred_at.isoformat(),
        {},
    ]


def test_a_cancelled_run_waits_no_more():
    run = waiting()

    cancel_run(run, actor="staff:alice")

    paid()
    assert end_of(run) == ("cancelled", None)
    assert Wait.objects.count() == 0
    assert EventEffect.objects.count() == 0


def test_a_run_that_began_before_anybody_looked_so_finds_what_came_since():
    """Events have keys only for what somebody looks for; whoever is first to look gives them theirs."""
    run = start_run("test.waits", input={"client": 7})
    paid(n=1)
    dispatch_new()
    assert EventKey.objects.count() == 0

    assert end_of(run) == ("completed", 1)
    assert list(EventShape.objects.values_list("name", "paths")) == [("order.paid", ["client"])]


def test_a_run_older_than_the_first_that_looked_finds_its_events_too():
    old = start_run("test.waits", input={"client": 8}, due_at=clock.now() + timedelta(hours=1))
    paid(client=8, n=1)
    young = waiting(client=7)
    paid(client=7, n=2)
    assert end_of(young) == ("completed", 2)
    assert EventKey.objects.count() == 1  # of what came since the young one began

    with clock.travel(by=timedelta(hours=1)):
        assert end_of(old) == ("completed", 1)


def test_a_wide_nudge_is_a_few_statements(django_assert_max_num_queries):
    for _ in range(20):
        waiting()
    paid()

    with django_assert_max_num_queries(16):
        dispatch_new()

    assert Run.objects.filter(status="ready").count() == 20

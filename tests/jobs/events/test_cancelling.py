"""An event cancels the runs that it makes pointless: those that began before it, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.errors import PermanentFailure
from jobs.actions import retry_run, start_run, start_runs
from jobs.events.dispatching import dispatch_new
from jobs.events.forgetting import forget_waits
from jobs.events.sending import send_event
from jobs.models import Run, Wait
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.testing import run_one, run_until_idle
from jobs.triggers import CancelOn, Trigger

pytestmark = pytest.mark.django_db

worked: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    worked.clear()


@workflow("test.fulfil", cancel_on=[CancelOn("order.withdrawn", {"order": "order"})])
def fulfil(run, *, order):
    run.sleep("wait", 60)
    run.step("work", worked.append, order)


def withdrawn(order="o-1"):
    return send_event("order.withdrawn", {"order": order})


def sleeping(order="o-1") -> Run:
    run = start_run("test.fulfil", input={"order": order})
    run_until_idle()
    return run


def test_an_event_cancels_the_run_it_is_about():
    mine, other = sleeping("o-1"), sleeping("o-2")

    event = withdrawn("o-1")
    dispatch_new()

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.status, mine.cancel_requested_by) == ("cancelled", f"event:{event.public_id}")
    assert other.status == "waiting"
    effect = event.effects.get()
    assert (effect.kind, effect.run, effect.workflow) == ("cancelled", mine, "test.fulfil")


@workflow("test.heard_cancelled")
def heard_cancelled(me, **told):
    worked.append("heard")


@workflow(
    "test.fulfil_loudly", on_cancel="test.heard_cancelled", cancel_on=[CancelOn("shop.closed")]
)
def fulfil_loudly(run):
    run.map("parts", "test.fulfil_part", [{}, {}])


@workflow("test.fulfil_part", cancel_on=[CancelOn("shop.closed")])
def fulfil_part(run):
    run.sleep("wait", 3600)


@workflow("test.fulfil_quietly", cancel_on=[CancelOn("shop.closed")], concurrency=1)
def fulfil_quietly(run):
    run.sleep("wait", 3600)


def test_one_event_cancels_thousands_in_a_few_statements_each():
    runs = start_runs("test.fulfil_quietly", [{}] * 1200)
    run_until_idle(limit=2000)
    loud = start_run("test.fulfil_loudly")
    run_until_idle()
    event = send_event("shop.closed")

    with CaptureQueriesContext(connection) as queries:
        dispatch_new()

    assert len(queries) < 120  # the loud one takes most
    assert not Run.objects.active().exclude(workflow="test.heard_cancelled").exists()
    assert set(Run.objects.filter(pk__in=[run.pk for run in runs]).values_list(*ENDED)) == {
        ("cancelled", f"event:{event.public_id}")
    }
    assert not Wait.objects.exists()
    cancelled = event.effects.filter(kind="cancelled")
    assert cancelled.values("run").distinct().count() == cancelled.count() == 1200 + 1 + 2
    run_until_idle()
    assert worked == ["heard"]
    loud.refresh_from_db()
    assert loud.status == "cancelled"


ENDED = ("status", "cancel_requested_by")


def test_a_run_that_nobody_has_begun_is_cancelled_too():
    run = start_run("test.fulfil", input={"order": "o-1"}, due_at=clock.now() + timedelta(days=1))

    withdrawn()
    dispatch_new()

    run.refresh_from_db()
    assert run.status == "cancelled"


def test_an_event_from_before_the_start_cancels_nothing():
    withdrawn()
    dispatch_new()

    run = sleeping()

    run.refresh_from_db()
    assert run.status == "waiting"


def test_a_run_that_has_ended_stands_by_for_nothing():
    run = sleeping()
    run_until_idle(advance=True)
    run.refresh_from_db()
    assert (run.status, worked) == ("completed", ["o-1"])
    assert Wait.objects.count() == 0

    event = withdrawn()
    dispatch_new()

    assert event.effects.count() == 0


def test_an_event_that_took_effect_before_the_start_was_committed_cancels_at_entry():
    run = start_run("test.fulfil", input={"order": "o-1"})
    Wait.objects.all().delete()  # the dispatcher saw nothing of the uncommitted start
    event = withdrawn()
    dispatch_new()
    run.refresh_from_db()
    assert run.status == "ready"

    assert run_one() == "cancelled"

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert event.effects.get().kind == "cancelled"
    assert run.steps.count() == 0


@workflow(
    "test.latest",
    triggers=[Trigger("doc.saved")],
    cancel_on=[CancelOn("doc.saved", {"doc": "doc"})],
)
def latest(run, *, doc):
    run.sleep("settle", 60)
    run.step("work", worked.append, doc)


def test_an_event_that_starts_a_run_cancels_the_one_before_and_not_its_own():
    for _ in range(3):
        send_event("doc.saved", {"doc": 1})
        run_until_idle()

    run_until_idle(advance=True)

    assert sorted(Run.objects.values_list("status", flat=True)) == [
        "cancelled",
        "cancelled",
        "completed",
    ]
    assert worked == [1]


def fail() -> None:
    raise PermanentFailure("no")


@workflow("test.stoppable", retry=NO_RETRY, cancel_on=[CancelOn("stop")])
def stoppable(run):
    run.step("try", fail)


def test_a_run_that_was_retried_stands_by_again():
    run = start_run("test.stoppable")
    run_until_idle()
    assert Wait.objects.count() == 0
    run.refresh_from_db()
    retry_run(run, actor="staff:alice")
    send_event("stop")

    assert run_until_idle() == 1

    run.refresh_from_db()
    assert run.status == "cancelled"


def test_what_ended_without_tidying_up_is_forgotten_later():
    run = sleeping()
    Run.objects.filter(pk=run.pk).update(status="cancelled")

    assert (forget_waits(), forget_waits()) == (1, 0)

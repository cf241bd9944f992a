"""Events are kept for their days, and for as long as a run under way may look for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from jobs.actions import start_run
from jobs.events.dispatching import dispatch_new
from jobs.events.forgetting import forget_events
from jobs.events.sending import send_event
from jobs.models import Event, EventEffect, EventKey, Run
from jobs.registry import workflow
from jobs.testing import run_until_idle
from jobs.triggers import Trigger

pytestmark = pytest.mark.django_db


@workflow("test.kept_event", triggers=[Trigger("old")])
def kept(run):
    run.wait_for("late", "late")


def test_an_old_event_is_forgotten_with_what_came_of_it():
    event = send_event("old")
    dispatch_new()
    run = Run.objects.get()
    send_event("late")
    run_until_idle()
    assert (EventEffect.objects.count(), EventKey.objects.count()) == (2, 1)

    with clock.travel(by=timedelta(days=89)):
        assert forget_events() == 0
    with clock.travel(by=timedelta(days=91)):
        assert forget_events() == 2

    run.refresh_from_db()
    assert (run.status, run.event_id) == ("completed", None)
    assert not Event.objects.filter(pk=event.pk).exists()
    assert (EventEffect.objects.count(), EventKey.objects.count()) == (0, 0)


def test_an_event_that_a_run_under_way_may_look_for_is_kept():
    with clock.travel(by=timedelta(days=-2)):
        send_event("older")
        dispatch_new()
    with clock.travel(by=timedelta(days=-1)):
        send_event("old")
        run_until_idle()
    send_event("young")
    dispatch_new()

    with clock.travel(by=timedelta(days=91)):
        assert forget_events() == 1

    assert set(Event.objects.values_list("name", flat=True)) == {"old", "young"}


def test_an_event_that_has_not_taken_effect_is_kept():
    send_event("old")

    with clock.travel(by=timedelta(days=91)):
        assert forget_events() == 0


def test_the_nightly_run_forgets_events():
    send_event("nobody.cares")
    dispatch_new()

    with clock.travel(by=timedelta(days=91)):
        run = start_run("jobs.forget_old", actor="schedule")
        run_until_idle()

    run.refresh_from_db()
    assert run.status == "completed"
    assert Event.objects.count() == 0

"""An event starts one run of each workflow that listens to it, and its effects say why another did not start."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from jobs.actions import start_run
from jobs.events import dispatching
from jobs.events.dispatching import dispatch_new
from jobs.events.outcome import outcome
from jobs.events.sending import send_event
from jobs.flow import Singleton
from jobs.models import Event, EventEffect, Run
from jobs.registry import workflow
from jobs.testing import run_until_idle
from jobs.triggers import CancelOn, Trigger

pytestmark = pytest.mark.django_db


@workflow("test.welcome", triggers=[Trigger("signed.up", match={"plan": "pro"})])
def welcome(run, *, client):
    return [client, run.event.data["plan"], run.event.id, run.actor]


def is_large(event: Event) -> bool:
    return event.data["seats"] > 10


@workflow(
    "test.call",
    triggers=[
        Trigger(
            "signed.up",
            when=is_large,
            input=lambda event: {"who": event.data["client"], "seats": event.data["seats"]},
        )
    ],
)
def call(run, *, who, seats): ...


def signed_up(**data) -> Event:
    event = send_event("signed.up", {"client": 7, "plan": "pro", "seats": 3, **data}, actor="key:1")
    dispatch_new()
    event.refresh_from_db()
    return event


def effects(event: Event) -> dict[str, tuple[str, str]]:
    return {e.workflow: (e.kind, e.detail) for e in event.effects.all()}


def test_an_event_that_fits_starts_a_run_with_those_members_that_it_takes():
    event = signed_up()

    run = Run.objects.get()
    assert (run.workflow, run.input, run.event) == ("test.welcome", {"client": 7}, event)
    run_until_idle()
    run.refresh_from_db()
    assert run.output == [7, "pro", event.public_id, "key:1"]
    assert event.dispatched_at is not None


def test_the_effects_say_what_started_and_what_did_not_and_why():
    event = signed_up()

    assert effects(event) == {
        "test.welcome": ("started", ""),
        "test.call": ("not_matched", "is_large says no"),
    }
    assert outcome(event) == "It started 1 run."


def test_an_event_that_fits_nothing_says_of_each_why():
    event = signed_up(plan="free")

    assert effects(event)["test.welcome"] == ("not_matched", 'plan is "free", not "pro"')
    assert Run.objects.count() == 0
    assert outcome(event).startswith("It did nothing. Each workflow that listens")


def test_one_event_starts_several_workflows():
    signed_up(seats=11)

    assert {(run.workflow, str(run.input)) for run in Run.objects.all()} == {
        ("test.welcome", "{'client': 7}"),
        ("test.call", "{'who': 7, 'seats': 11}"),
    }


def test_an_event_that_a_workflow_cannot_take_starts_nothing_there_and_stops_no_other():
    event = send_event("signed.up", {"plan": "pro", "client": 7})
    dispatch_new()

    assert effects(event) == {
        "test.welcome": ("started", ""),
        "test.call": ("refused", "KeyError: 'seats'"),
    }


def test_input_that_misfits_is_refused_naming_the_field():
    event = send_event("signed.up", {"plan": "pro", "seats": 1})
    dispatch_new()

    kind, detail = effects(event)["test.welcome"]
    assert kind == "refused"
    assert "client: field required" in detail
    assert Run.objects.count() == 0


def test_an_event_takes_effect_once():
    signed_up()
    dispatch_new()

    assert (Run.objects.count(), EventEffect.objects.count()) == (1, 2)


def test_an_event_of_the_future_starts_its_runs_then():
    event = send_event(
        "signed.up", {"plan": "pro", "client": 7}, at=clock.now() + timedelta(hours=1)
    )

    run_until_idle()
    run = Run.objects.get(workflow="test.welcome")
    assert (run.status, run.due_at) == (Run.Status.WAITING, event.occurred_at)
    run_until_idle(advance=True)
    run.refresh_from_db()
    assert run.status == Run.Status.COMPLETED


@workflow("test.either", triggers=[Trigger("left", {"a": 1}), Trigger("left", {"b": 1})])
def either(run): ...


def test_a_workflow_with_two_triggers_that_fit_starts_once():
    send_event("left", {"a": 1, "b": 1})
    dispatch_new()

    assert Run.objects.count() == 1


@workflow("test.single", triggers=[Trigger("tick")], singleton=Singleton())
def single(run):
    run.sleep("a while", 60)


def test_a_start_that_a_limit_skips_says_so_on_the_event():
    send_event("tick")
    second = send_event("tick")
    dispatch_new()

    effect = second.effects.get()
    assert effect.kind == "skipped"
    assert effect.detail.startswith("singleton: run_")
    assert outcome(Event.objects.get(pk=second.pk)).startswith("It did nothing.")


def test_an_event_that_nobody_wants_says_so():
    event = send_event("nobody.cares")
    dispatch_new()
    event.refresh_from_db()

    assert outcome(event) == (
        "It did nothing: no workflow listens to nobody.cares, and no run waits for it."
    )


@workflow("test.choosy")
def choosy(run):
    run.wait_for("it", "nobody.cares", match={"a": 1})


def test_an_event_that_misses_those_who_wait_says_how_many_they_are():
    start_run("test.choosy")
    run_until_idle()
    event = send_event("nobody.cares", {"a": 2})
    dispatch_new()
    event.refresh_from_db()

    assert outcome(event).endswith("and 1 run waits for one with other values.")


def explode(event: Event) -> bool:
    if event.data.get("broken"):
        raise ZeroDivisionError("boom")
    return True


@workflow("test.exploding", triggers=[Trigger("fragile", when=explode)])
def exploding(run): ...


def test_a_condition_that_raises_is_told_on_its_event_and_stops_no_other():
    bad = send_event("fragile", {"broken": True})
    good = send_event("fragile")

    assert dispatch_new() == 2
    assert effects(bad) == {"test.exploding": ("refused", "ZeroDivisionError: boom")}
    assert effects(good) == {"test.exploding": ("started", "")}


def test_an_event_that_cannot_take_effect_stops_no_other(monkeypatch):
    bad, good = send_event("tick", {"bad": 1}), send_event("tick")
    real = dispatching.starting.start_runs

    def breaking(events):
        if bad in events:
            raise RuntimeError("the disk is made of cheese")
        return real(events)

    monkeypatch.setattr(dispatching.starting, "start_runs", breaking)
    assert dispatch_new() == 1

    bad.refresh_from_db()
    assert bad.error == "RuntimeError: the disk is made of cheese"
    assert outcome(bad) == f"It could not take effect: {bad.error}"
    assert (good.effects.get().kind, dispatch_new()) == ("started", 0)


def test_looking_when_there_is_nothing_is_one_question(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert dispatch_new() == 0


def test_a_hundred_events_take_effect_in_a_few_statements(django_assert_max_num_queries):
    for _ in range(100):
        send_event("nobody.cares")

    with django_assert_max_num_queries(12):
        assert dispatch_new() == 100


def test_triggers_say_in_words_what_they_listen_to():
    assert Trigger("a.b").describe() == "a.b"
    assert Trigger("a.b", {"x": 1, "y.z": "q"}, when=is_large).describe() == (
        'a.b if x is 1 and y.z is "q" and is_large agrees'
    )
    assert CancelOn("c", {"order": "order.id"}).describe() == "c if order is its order.id"

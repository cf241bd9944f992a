"""Pauses, deadlines, time limits, replays, dismissals, and what authors hear of them."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from core import clock
from core.errors import Conflict, NotFound, PermanentFailure, Refused
from core.models import AuditEntry
from jobs.actions import (
    cancel_run,
    dismiss_run,
    pause_run,
    replay_run,
    resume_run,
    retry_run,
    start_run,
    wake_run,
)
from jobs.events.sending import send_event
from jobs.flow import Singleton
from jobs.models import EventEffect, Run
from jobs.registry import workflow
from jobs.replaying import steps_that_run_again
from jobs.retrying import NO_RETRY, Retry
from jobs.states import RunStatus
from jobs.testing import run_one, run_until_idle
from jobs.triggers import Trigger

pytestmark = pytest.mark.django_db

calls: list[object] = []
moments: dict[str, object] = {}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()
    moments.clear()


@workflow("test.story", retry=Retry((60,)))
def story(run, *, word: str = "end"):
    run.step("begin", lambda: calls.append("begin"))
    if moments.get("pause"):
        run.step("ask", lambda: pause_run(Run.objects.get(), actor="staff:alice") and None)
    run.sleep("night", 3600)
    run.step("finish", finish, word)
    return word


def finish(word: str) -> None:
    calls.append(word)
    if moments.get("fail"):
        raise PermanentFailure("no ending")


def test_a_paused_run_rests_until_it_is_resumed_and_then_keeps_its_time():
    run = start_run("test.story")
    run_until_idle()
    pause_run(run, actor="staff:alice")

    with clock.travel(by=timedelta(hours=2)):
        assert run_until_idle() == 0

    resume_run(run, actor="staff:alice")
    run_until_idle()

    run.refresh_from_db()
    assert (run.status, calls) == (RunStatus.WAITING, ["begin"])
    run_until_idle(advance=True)
    run.refresh_from_db()
    assert (run.status, calls) == (RunStatus.COMPLETED, ["begin", "end"])


def test_a_running_run_pauses_at_its_next_checkpoint():
    moments["pause"] = True
    run = start_run("test.story")

    assert run_one() == "paused"

    run.refresh_from_db()
    assert (run.status, run.pause_requested_at) == (RunStatus.PAUSED, None)
    assert list(run.steps.values_list("key", "status").order_by("started_at")) == [
        ("begin", "completed"),
        ("ask", "completed"),
    ]


def test_resuming_early_does_not_spend_an_attempt():
    moments["times"] = 0

    @workflow("test.weak", retry=Retry((60, 60)))
    def weak(run):
        def work():
            moments["times"] += 1
            raise ValueError("not now")

        run.step("work", work)

    run = start_run("test.weak")
    run_until_idle()
    pause_run(run, actor="system")
    resume_run(run, actor="system")

    run_until_idle()

    assert moments["times"] == 1
    run.refresh_from_db()
    assert run.status == RunStatus.WAITING


def test_what_is_over_can_neither_be_paused_nor_resumed():
    run = start_run("test.story")
    cancel_run(run, actor="system")

    with pytest.raises(Conflict, match="is cancelled"):
        pause_run(run, actor="system")
    with pytest.raises(Conflict, match="Only a paused run"):
        resume_run(run, actor="system")
    assert not AuditEntry.objects.filter(verb__in=["run.pause", "run.resume"]).exists()


def test_a_moved_moment_is_taken_anew_when_the_run_is_woken():
    @workflow("test.reminder")
    def reminder(run):
        run.sleep_until("the day before", moments["at"])
        calls.append(clock.now())

    begin = clock.now()
    moments["at"] = begin + timedelta(days=7)
    run = start_run("test.reminder")
    run_until_idle()
    moments["at"] = begin + timedelta(days=2)

    assert wake_run(run)
    run_until_idle(advance=True)

    assert calls == [moments["at"]]


def test_a_run_that_is_not_begun_in_time_is_skipped():
    @workflow("test.fresh", start_within=60)
    def fresh(run):
        calls.append("late")

    run = start_run("test.fresh")

    with clock.travel(by=timedelta(seconds=61)):
        assert run_one() == "skipped"

    run.refresh_from_db()
    assert (run.status, run.reason, calls) == (
        RunStatus.SKIPPED,
        "it came to its turn too late",
        [],
    )


def test_a_run_past_its_deadline_fails_and_its_author_hears_of_it():
    @workflow("test.timely", deadline=3600, on_failure="test.hear_late")
    def timely(run):
        run.sleep("too long", 7200)

    @workflow("test.hear_late")
    def hear_late(context, **told):
        calls.append(told["error"]["type"])

    run = start_run("test.timely")
    run_until_idle()

    with clock.travel(by=timedelta(seconds=3601)):
        run_until_idle()

    run.refresh_from_db()
    assert (run.status, run.error["type"]) == (RunStatus.FAILED, "DeadlinePassed")
    assert calls == ["DeadlinePassed"]


def test_a_deadline_stops_code_in_the_middle():
    @workflow("test.endless", deadline=0.2)
    def endless(run):
        run.step("spin", spin)

    run = start_run("test.endless")

    assert run_one() == "failed"

    run.refresh_from_db()
    assert run.error["type"] == "DeadlinePassed"


def spin() -> None:
    while True:
        time.monotonic()


def test_a_step_that_takes_too_long_is_stopped_and_tried_again():
    moments["slow"] = True

    @workflow("test.slow", retry=Retry((60,)))
    def slow(run):
        def work():
            if moments.pop("slow", False):
                spin()
            return "quick"

        return run.step("work", work, timeout=0.2)

    run = start_run("test.slow")
    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.output) == (RunStatus.COMPLETED, "quick")
    [attempt] = run.failed_attempts.all()
    assert attempt.error["type"] == "StepTimedOut"
    assert attempt.error["message"] == "Step 'work' took longer than its 0.2 s."


def test_a_database_step_that_takes_too_long_leaves_no_effect():
    @workflow("test.slow_write", retry=NO_RETRY)
    def slow_write(run):
        def work():
            start_run("test.story")
            spin()

        run.transaction("write", work, timeout=0.2)

    run = start_run("test.slow_write")

    assert run_one() == "failed"

    assert Run.objects.count() == 1
    run.refresh_from_db()
    assert run.error["step"] == "write"


def test_a_replay_from_the_start_is_a_new_run_and_leaves_the_old_one():
    run = start_run("test.story")
    run_until_idle(advance=True)

    again = replay_run(run, actor="staff:alice", input={"word": "other"})
    run_until_idle(advance=True)

    again.refresh_from_db()
    assert (again.replay_of_id, again.status, again.output) == (run.pk, "completed", "other")
    assert calls == ["begin", "end", "begin", "other"]
    run.refresh_from_db()
    assert run.output == "end"


def test_a_replay_from_a_step_keeps_what_came_before():
    run = start_run("test.story")
    run_until_idle(advance=True)
    assert [step.key for step in steps_that_run_again(run, "finish")] == ["finish"]

    again = replay_run(run, actor="system", from_step="finish")
    run_until_idle()

    again.refresh_from_db()
    assert (again.status, calls) == ("completed", ["begin", "end", "end"])


@pytest.mark.parametrize(
    ("wish", "error", "told"),
    [
        ({"from_step": "middle"}, NotFound, "has no step 'middle'"),
        ({"input": {"word": 5}}, Refused, "word: input should be a valid string"),
    ],
)
def test_a_replay_that_cannot_be_is_refused_and_starts_nothing(wish, error, told):
    run = start_run("test.story")
    run_until_idle(advance=True)

    with pytest.raises(error, match=told):
        replay_run(run, actor="system", **wish)

    assert Run.objects.count() == 1


def test_what_is_under_way_cannot_be_replayed():
    run = start_run("test.story")

    with pytest.raises(Conflict, match="Only a run that is over"):
        replay_run(run, actor="system")


def test_a_failed_run_stands_among_the_dead_letters_until_it_is_dismissed():
    moments["fail"] = True
    run = start_run("test.story")
    run_until_idle(advance=True)
    [letter] = Run.objects.dead_letters()
    assert letter.failure == "test.story: finish: PermanentFailure"

    dismiss_run(run, actor="staff:alice")

    assert not Run.objects.dead_letters().exists()
    run.refresh_from_db()
    assert (run.status, run.dismissed_by) == ("failed", "staff:alice")
    with pytest.raises(Conflict):
        dismiss_run(run, actor="staff:bob")

    moments.clear()
    retry_run(run, actor="system")
    run_until_idle()
    run.refresh_from_db()
    assert (run.status, run.dismissed_at) == ("completed", None)


def test_the_author_hears_of_a_cancellation_once():
    @workflow("test.wanted", on_cancel="test.heard_of_cancel")
    def wanted(run, *, n: int):
        run.sleep("long", 3600)

    @workflow("test.heard_of_cancel")
    def heard(context, *, input: dict[str, int], **told):
        calls.append(input["n"])

    run = start_run("test.wanted", input={"n": 4})
    run_until_idle()
    cancel_run(run, actor="system")

    run_until_idle()

    assert calls == [4]


def test_a_run_that_is_woken_while_it_falls_asleep_looks_once_more():
    """Whoever moves the moment finds the run neither waiting nor able to have heard of it."""

    @workflow("test.moved")
    def moved(run):
        at = moments["at"]
        if not moments.get("moved"):
            moments.update(moved=True, at=begin + timedelta(days=2))
            assert not wake_run(Run.objects.get())
        run.sleep_until("the day before", at)
        calls.append(clock.now())

    begin = clock.now()
    moments["at"] = begin + timedelta(days=7)
    run = start_run("test.moved")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert calls == [begin + timedelta(days=2)]
    assert not run.is_woken


def test_a_retry_of_a_singleton_waits_for_the_one_that_took_its_place():
    first = start_run("test.sole")
    moments["fail"] = True
    run_until_idle()
    moments.clear()
    second = start_run("test.sole")

    with pytest.raises(Conflict, match="Another run of this singleton is under way"):
        retry_run(first, actor="staff:alice")
    with pytest.raises(Conflict, match=f"singleton: {second.public_id} is not over"):
        replay_run(first, actor="staff:alice")
    assert Run.objects.count() == 2

    run_until_idle()
    retry_run(first, actor="staff:alice")
    with pytest.raises(Conflict):
        replay_run(second, actor="staff:alice")
    run_until_idle()
    assert list(Run.objects.values_list("status", flat=True)) == ["completed"] * 2


@workflow("test.sole", singleton=Singleton(), retry=NO_RETRY)
def sole(run):
    run.step("work", finish, "sole")


def test_a_replay_has_the_event_that_started_the_run_and_waits_for_new_ones():
    send_event("story.told", {"word": "old"})
    run_until_idle()
    send_event("story.heard", {"by": "ada"})
    run_until_idle()
    run = Run.objects.get()
    assert (run.status, calls) == ("completed", ["old", "ada"])

    again = replay_run(run, actor="staff:alice")
    run_until_idle()
    assert calls == ["old", "ada", "old"]
    send_event("story.heard", {"by": "grace"})
    run_until_idle()

    assert calls == ["old", "ada", "old", "grace"]
    started = EventEffect.objects.filter(kind="started").order_by("id")
    assert list(started.values_list("run", "detail")) == [(run.pk, ""), (again.pk, "as a replay")]


@workflow("test.told", triggers=[Trigger("story.told")])
def told(run):
    run.step("tell", lambda: calls.append(run.event.data["word"]))
    heard = run.wait_for("an echo", "story.heard")
    calls.append(heard.data["by"])

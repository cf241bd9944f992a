"""What a step promises: once finished it is never executed again, and its answer stays the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from core import clock
from core.errors import PermanentFailure, RetryAfter, TransientFailure
from jobs.actions import start_run
from jobs.models import Bucket, Run, Step, StepAttempt
from jobs.registry import workflow
from jobs.retrying import NO_RETRY, Retry
from jobs.testing import run_one, run_until_idle

pytestmark = pytest.mark.django_db

calls: list[str] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


def note(word: str, *, answer: object = None) -> object:
    calls.append(word)
    return answer


@workflow("test.two_steps")
def two_steps(run, *, who):
    first = run.step("greet", note, "greet", answer=f"hello {who}")
    run.sleep("between", 60)
    return [first, run.step("part", note, "part", answer=("bye", who))]


def test_finished_steps_answer_from_their_checkpoint():
    run = start_run("test.two_steps", input={"who": "ann"})

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert run.status == Run.Status.COMPLETED
    assert run.output == ["hello ann", ["bye", "ann"]]
    assert calls == ["greet", "part"]
    assert list(Step.objects.order_by("started_at").values_list("key", "status", "attempts")) == [
        ("greet", "completed", 1),
        ("between", "completed", 1),
        ("part", "completed", 1),
    ]


@workflow("test.same_name")
def same_name(run):
    return [run.step("send", note, str(number), answer=number) for number in range(3)]


def test_steps_of_one_name_are_told_apart_by_occurrence():
    run = start_run("test.same_name")

    run_until_idle()

    run.refresh_from_db()
    assert run.output == [0, 1, 2]
    assert sorted(run.steps.values_list("key", flat=True)) == ["send", "send#2", "send#3"]


def make_list(name: str) -> str:
    return Bucket.objects.create(key=name).pk


def make_list_and_fail(name: str) -> None:
    make_list(name)
    raise TransientFailure("after the effect")


@workflow("test.database_step", retry=NO_RETRY)
def database_step(run, *, fail):
    return run.transaction("make list", make_list_and_fail if fail else make_list, "readers")


def test_a_database_step_leaves_effect_and_checkpoint():
    run = start_run("test.database_step", input={"fail": False})

    run_until_idle()

    run.refresh_from_db()
    assert run.output == Bucket.objects.get().pk
    assert run.steps.get().status == "completed"


def test_a_failed_database_step_leaves_no_effect():
    run = start_run("test.database_step", input={"fail": True})

    run_until_idle()

    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert run.error["type"] == "TransientFailure"
    assert run.error["step"] == "make list"
    assert "after the effect" in run.error["traceback"]
    assert Bucket.objects.count() == 0


def fail_always() -> None:
    calls.append("try")
    raise TransientFailure("not yet")


@workflow("test.failing")
def failing(run):
    run.step("try", fail_always)


def test_four_attempts_at_once_then_after_1_5_and_30_minutes():
    start = clock.now()
    run = start_run("test.failing")
    waits = []

    with clock.travel(to=start):
        run_until_idle()
    for _ in range(3):
        run.refresh_from_db()
        waits.append((run.due_at - start).total_seconds())
        start = run.due_at
        with clock.travel(to=start):
            run_until_idle()

    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert calls == ["try"] * 4
    assert [
        round(wait / nominal, 0) for wait, nominal in zip(waits, (60, 300, 1800), strict=True)
    ] == [1, 1, 1]
    assert all(abs(w / n - 1) <= 0.1 for w, n in zip(waits, (60, 300, 1800), strict=True))
    assert list(StepAttempt.objects.values_list("number", "error__message")) == [
        (1, "not yet"),
        (2, "not yet"),
        (3, "not yet"),
        (4, "not yet"),
    ]


def fail_for_good() -> None:
    calls.append("try")
    raise PermanentFailure("no such thing")


@workflow("test.permanent")
def permanent(run):
    run.step("try", fail_for_good)


def test_a_permanent_failure_ends_at_once():
    run = start_run("test.permanent")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.error["message"], calls) == (
        Run.Status.FAILED,
        "no such thing",
        ["try"],
    )


def ask_to_wait(times: int) -> str:
    calls.append("ask")
    if len(calls) <= times:
        raise RetryAfter(seconds=7200)
    return "served"


@workflow("test.retry_after", retry=Retry((1,)))
def retry_after(run):
    return run.step("ask", ask_to_wait, 5)


def test_retry_after_does_not_count_as_an_attempt():
    run = start_run("test.retry_after")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert run.output == "served"
    assert calls == ["ask"] * 6
    assert run.steps.get().attempts == 1


@workflow("test.caught")
def caught(run):
    try:
        run.step("try", fail_for_good)
    except PermanentFailure as error:
        run.sleep("a while", 60)
        return f"went on after: {error}"


def test_a_failed_step_can_be_caught_and_fails_again_on_replay_without_being_executed():
    run = start_run("test.caught")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert run.output == "went on after: no such thing"
    assert calls == ["try"]


@workflow("test.swallow")
def swallow(run):
    try:
        run.snooze(60)
    except BaseException:  # noqa: BLE001 - what authors must not do
        return "went on"


def test_swallowing_control_flow_fails_the_run_and_says_so():
    run = start_run("test.swallow")

    run_until_idle()

    run.refresh_from_db()
    assert (run.status, run.error["type"]) == (Run.Status.FAILED, "SwallowedInterrupt")


kind_of_step = ["outside"]


@workflow("test.kinds", retry=NO_RETRY)
def kinds(run):
    call = run.step if kind_of_step[0] == "outside" else run.transaction
    call("save", note, "save")
    run.sleep("between", 60)


def test_a_step_whose_kind_changed_fails_the_run_naming_it():
    run = start_run("test.kinds")
    run_one()
    kind_of_step[0] = "database"

    run_until_idle(advance=True)

    kind_of_step[0] = "outside"
    run.refresh_from_db()
    assert run.error["type"] == "StepMismatch"
    assert "Step 'save' of this run was of kind outside" in run.error["message"]


@workflow("test.nested", retry=NO_RETRY)
def nested(run):
    with transaction.atomic():
        run.step("inside", note, "inside")


def test_a_step_inside_a_transaction_is_refused():
    run = start_run("test.nested")

    run_until_idle()

    run.refresh_from_db()
    assert "stands inside a transaction" in run.error["message"]
    assert calls == []


@workflow("test.not_json", retry=NO_RETRY)
def not_json(run):
    run.step("give", note, "give", answer=object())


def test_an_output_that_is_not_json_fails_naming_the_step():
    run = start_run("test.not_json")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert "output of step 'give' is not JSON" in run.error["message"]
    assert calls == ["give"]


@workflow("test.keys", retry=Retry((1, 1)))
def keys(run):
    run.step("pay", lambda: ask_with_key(run))


def ask_with_key(run) -> None:
    calls.append(run.idempotency_key)
    if len(calls) < 3:
        raise TransientFailure("again")


def test_the_idempotency_key_of_a_step_is_stable_over_attempts():
    run = start_run("test.keys")

    run_until_idle(advance=True)

    assert calls == [f"{run.public_id}:pay"] * 3


@workflow("test.sleeper")
def sleeper(run, *, seconds):
    run.sleep("nap", seconds)
    return run.step("wake", note, "awake", answer=str(clock.now()))


def test_a_sleep_holds_no_worker_and_never_ends_early():
    start = clock.now()
    run = start_run("test.sleeper", input={"seconds": 3600})

    with clock.travel(to=start):
        run_until_idle()
    with clock.travel(to=start + timedelta(seconds=3599)):
        assert run_until_idle() == 0
    run.refresh_from_db()
    assert (run.status, run.worker_id, calls) == (Run.Status.WAITING, None, [])

    with clock.travel(to=start + timedelta(seconds=3600, milliseconds=500)):
        assert run_until_idle() == 1
    run.refresh_from_db()
    assert run.status == Run.Status.COMPLETED
    assert calls == ["awake"]


def test_progress_is_kept_on_the_run_and_on_the_step():
    run = start_run("test.progress")

    run_until_idle()

    run.refresh_from_db()
    assert (run.progress_done, run.progress_total, run.progress_text) == (10, 10, "rows")
    step = run.steps.get()
    assert (step.progress_done, step.progress_total, step.status) == (10, 10, "completed")


@workflow("test.progress")
def progress(run):
    def count() -> None:
        for number in range(1, 11):
            run.progress(number, 10, "rows")

    run.step("count", count)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("a\x00b", "has a NUL character"),
        (["\ud800"], "has a NUL character or half a surrogate pair"),
        ({"share": float("nan")}, "is not JSON"),
    ],
    ids=["NUL", "surrogate", "NaN"],
)
def test_work_whose_output_no_database_keeps_is_not_done_again(output, told):
    @workflow("test.unkept", retry=Retry((0, 0)))
    def unkept(run):
        run.step("ask", note, "asked", answer=output)

    run = start_run("test.unkept")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, calls) == (Run.Status.FAILED, ["asked"])
    assert run.error["type"] == "PermanentFailure"
    assert told in run.error["message"]


def test_texts_that_look_like_what_cannot_be_kept_are_kept():
    @workflow("test.looks_unkept")
    def kept(run):
        return run.step("ask", note, "asked", answer=["\\u0000", "\N{GRINNING FACE}"])

    run = start_run("test.looks_unkept")

    run_until_idle()

    run.refresh_from_db()
    assert run.output == ["\\u0000", "\N{GRINNING FACE}"]


def test_an_error_whose_text_no_database_keeps_is_kept_all_the_same():
    """A provider's binary answer once stood in it: the run could not be failed, and was given back for ever."""

    @workflow("test.garbled", retry=NO_RETRY)
    def garbled(run):
        def ask() -> None:
            calls.append("asked")
            raise TransientFailure("answered \x00\ud800")

        run.step("ask", ask)

    run = start_run("test.garbled")

    run_until_idle()

    run.refresh_from_db()
    assert (run.status, calls) == (Run.Status.FAILED, ["asked"])
    assert run.error["message"] == "answered \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_a_step_with_a_name_too_long_to_keep_is_refused_before_its_work_is_done():
    @workflow("test.wordy", retry=NO_RETRY)
    def wordy(run):
        run.step("x" * 201, note, "done")

    run = start_run("test.wordy")

    run_until_idle()

    run.refresh_from_db()
    assert (run.status, calls) == (Run.Status.FAILED, [])
    assert "has a name of 201 characters; at most 200" in run.error["message"]

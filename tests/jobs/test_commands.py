"""The engine from the command line."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.errors import PermanentFailure
from jobs.actions import start_run
from jobs.models import Run
from jobs.registry import workflow
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db


@workflow("test.command")
def served(run, *, fail=False):
    def work() -> str:
        if fail:
            raise PermanentFailure("no such thing")
        return "done"

    return run.step("work", work)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_start_prints_the_id_of_the_run_it_started():
    text = said("start", "test.command", "--input", '{"fail": true}')

    run = Run.objects.get()
    assert text.strip() == run.public_id
    assert run.input == {"fail": True}
    assert run.actor.startswith("command:")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [("{oops", "is not JSON"), ("[1]", "is not a JSON object")],
    ids=["broken", "a list"],
)
def test_start_refuses_input_that_is_not_an_object(given, complaint):
    with pytest.raises(CommandError, match=complaint):
        said("start", "test.command", "--input", given)
    assert Run.objects.count() == 0


def test_start_refuses_an_unknown_workflow_naming_those_there_are():
    with pytest.raises(CommandError, match="no workflow 'test.none'"):
        said("start", "test.none")


def test_starting_twice_with_one_key_starts_one_run():
    assert said("start", "test.command", "--key", "k") == said(
        "start", "test.command", "--key", "k"
    )


def test_show_prints_steps_and_the_traceback():
    run = start_run("test.command", input={"fail": True})
    run_until_idle()

    text = said("runs", "show", run.public_id)

    assert "failed" in text
    assert "  work" in text
    assert "PermanentFailure: no such thing" in text


def test_list_shows_the_newest_and_only_what_is_asked_for():
    first = start_run("test.command")
    failed = start_run("test.command", input={"fail": True})
    run_until_idle()

    assert [line.split()[0] for line in said("runs", "list").splitlines()] == [
        failed.public_id,
        first.public_id,
    ]
    assert first.public_id not in said("runs", "list", "--status", "failed")


def test_watch_of_a_failed_run_says_why_and_exits_with_2():
    run = start_run("test.command", input={"fail": True})
    run_until_idle()

    with pytest.raises(CommandError, match="in step 'work': PermanentFailure") as refusal:
        said("runs", "watch", run.public_id)
    assert refusal.value.returncode == 2


def test_retry_puts_a_failed_run_back():
    run = start_run("test.command", input={"fail": True})
    run_until_idle()

    said("runs", "retry", run.public_id)

    assert Run.objects.get().status == Run.Status.READY


def test_cancel_ends_a_waiting_run():
    run = start_run("test.command")

    assert said("runs", "cancel", run.public_id).strip() == f"{run.public_id} is cancelled."


def test_an_id_that_is_none_is_refused():
    with pytest.raises(CommandError, match="There is no 'run_9'"):
        said("runs", "show", "run_9")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('{"fial": true}', "fial: extra inputs are not permitted"),
        ('{"run": 1}', "run: extra inputs are not permitted"),
    ],
)
def test_input_that_the_workflow_does_not_take_is_refused_with_what_it_takes(given, words):
    with pytest.raises(CommandError, match=rf"{words}.*It takes fail\."):
        said("start", "test.command", "--input", given)

    assert Run.objects.count() == 0


def test_a_list_needs_a_limit_above_zero_and_says_when_there_is_nothing(capsys):
    with pytest.raises(CommandError, match="0 is not above zero"):
        said("runs", "list", "--limit", "0")

    assert said("runs", "list") == ""
    assert capsys.readouterr().err == "There are no such runs.\n"

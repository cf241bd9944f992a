"""The job log for staff: to be looked at, retried and cancelled, and nothing else."""

from __future__ import annotations

import pytest

from core.errors import TransientFailure
from jobs.actions import start_run
from jobs.models import Run
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db

URL = "/admin/jobs/run/"


def break_down() -> None:
    raise TransientFailure("the sky fell")


@workflow("test.admin", retry=NO_RETRY)
def failing(run):
    run.step("prepare", lambda: 1)
    run.step("work", break_down)


def failed_run() -> Run:
    run = start_run("test.admin", actor="staff:alice")
    run_until_idle()
    run.refresh_from_db()
    return run


def test_a_failed_runs_page_shows_steps_error_and_traceback(client_of, bob):
    run = failed_run()

    page = client_of(bob).get(f"{URL}{run.pk}/change/").content.decode()

    assert "prepare" in page
    assert "the sky fell" in page
    assert "Traceback (most recent call last)" in page
    assert run.public_id in page


def test_the_panel_polls_while_the_run_lives_and_stops_by_itself(client_of, bob):
    run = start_run("test.admin")
    client = client_of(bob)
    before = client.get(f"{URL}{run.pk}/panel/")

    run_until_idle()
    after = client.get(f"{URL}{run.pk}/panel/")

    assert "hx-trigger" in before.content.decode()
    assert "hx-trigger" not in after.content.decode()
    assert after.headers["HX-Refresh"] == "true"


def test_alice_retries_a_failed_run(client_of, alice):
    run = failed_run()

    client_of(alice).post(f"{URL}{run.pk}/retry/")

    run.refresh_from_db()
    assert run.status == Run.Status.READY


def test_bob_may_look_and_not_retry(client_of, bob):
    run = failed_run()

    answer = client_of(bob).post(f"{URL}{run.pk}/retry/")

    run.refresh_from_db()
    assert (answer.status_code, run.status) == (403, Run.Status.FAILED)


def test_charlie_sees_nothing(client_of, charlie):
    run = failed_run()

    assert client_of(charlie).get(f"{URL}{run.pk}/change/").status_code == 302


@pytest.mark.parametrize("verb", ["add", "delete"])
def test_nobody_adds_or_deletes_runs_by_hand(client_of, alice, verb):
    run = failed_run()
    place = f"{URL}add/" if verb == "add" else f"{URL}{run.pk}/delete/"

    assert client_of(alice).post(place, {"post": "yes"}).status_code == 403
    assert Run.objects.count() == 1


def test_the_list_asks_no_more_questions_for_more_runs(client_of, bob, django_assert_num_queries):
    client = client_of(bob)
    start_run("test.admin")
    client.get(URL)
    with django_assert_num_queries(8) as few:
        client.get(URL)
    for _ in range(49):
        start_run("test.admin")

    with django_assert_num_queries(len(few.captured_queries)):
        client.get(URL)


@pytest.mark.parametrize(
    ("by", "shown"),
    [("others", ["staff:alice"]), ("schedule", ["schedule"])],
    ids=["others", "cron"],
)
def test_runs_are_told_apart_by_who_started_them(client_of, bob, by, shown):
    for actor in ("staff:alice", "schedule"):
        start_run("test.admin", actor=actor)

    page = client_of(bob).get(f"{URL}?by={by}")

    assert [run.actor for run in page.context["cl"].result_list] == shown

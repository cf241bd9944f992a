"""Runs over HTTP: with the right key, and only so."""

from __future__ import annotations

import pytest

from core.errors import PermanentFailure
from jobs.actions import start_run
from jobs.models import Run
from jobs.registry import workflow
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db


@workflow("test.api")
def served(run, *, fail=False):
    def work() -> str:
        if fail:
            raise PermanentFailure("no such thing")
        return "done"

    return run.step("work", work)


def test_a_run_is_read_with_its_steps(api):
    run = start_run("test.api", actor="staff:alice")
    run_until_idle()

    answer = api("runs:read").get(f"/api/v1/runs/{run.public_id}")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["output"], body["actor"]) == ("completed", "done", "staff:alice")
    assert [(s["name"], s["status"], s["attempts"]) for s in body["steps"]] == [
        ("work", "completed", 1)
    ]
    assert "Retry-After" not in answer.headers


def test_a_run_under_way_says_when_to_ask_again(api):
    run = start_run("test.api")

    answer = api("runs:read").get(f"/api/v1/runs/{run.public_id}")

    assert (answer.json()["status"], answer.headers["Retry-After"]) == ("ready", "2")


def test_a_failed_run_tells_why_without_a_traceback(api):
    run = start_run("test.api", input={"fail": True})
    run_until_idle()

    body = api("runs:read").get(f"/api/v1/runs/{run.public_id}").json()

    assert body["error"] == {"type": "PermanentFailure", "message": "no such thing", "step": "work"}


def test_runs_are_listed_by_status_and_workflow(api):
    failed = start_run("test.api", input={"fail": True})
    start_run("test.api")
    run_until_idle()
    client = api("runs:read")

    by_status = client.get("/api/v1/runs?status=failed").json()["results"]
    by_workflow = client.get("/api/v1/runs?workflow=test.nothing").json()["results"]

    assert [entry["id"] for entry in by_status] == [failed.public_id]
    assert by_workflow == []


def test_a_status_that_is_none_is_refused_naming_those_there_are(api):
    answer = api("runs:read").get("/api/v1/runs?status=lost")

    assert answer.status_code == 422
    assert answer.json()["remedy"].startswith("Ask for one of ready, claimed")


def test_an_unknown_run_is_a_404_problem(api):
    answer = api("runs:read").get("/api/v1/runs/run_zzz")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_waiting_run_is_cancelled_and_only_once(api):
    run = start_run("test.api")
    client = api("runs:control")

    first = client.post(f"/api/v1/runs/{run.public_id}/cancel")
    second = client.post(f"/api/v1/runs/{run.public_id}/cancel")

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert second.status_code == 409


def test_a_failed_run_is_retried(api):
    run = start_run("test.api", input={"fail": True})
    run_until_idle()

    answer = api("runs:control").post(f"/api/v1/runs/{run.public_id}/retry")

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/runs/{run.public_id}"
    assert Run.objects.get().status == Run.Status.READY


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_key_that_may_only_read_changes_nothing(api, verb):
    run = start_run("test.api")

    answer = api("runs:read").post(f"/api/v1/runs/{run.public_id}/{verb}")

    assert answer.status_code == 403
    assert Run.objects.get().status == Run.Status.READY


@workflow("test.api-parent")
def asks(run):
    return run.map("ask", "test.api", [{}, {"fail": False}])


def test_a_run_tells_how_many_it_started(api):
    run = start_run("test.api-parent")
    run_until_idle()

    body = api("runs:read").get(f"/api/v1/runs/{run.public_id}").json()

    assert body["children_by_status"] == {"completed": 2}


def test_a_run_that_started_none_is_read_with_a_query_for_the_key_the_run_and_its_steps(
    api, django_assert_num_queries
):
    run = start_run("test.api")
    run_until_idle()
    client = api("runs:read")
    client.get("/api/v1/runs")  # notes the use of the key

    with django_assert_num_queries(3):
        body = client.get(f"/api/v1/runs/{run.public_id}").json()

    assert (body["children_by_status"], len(body["steps"])) == ({}, 1)

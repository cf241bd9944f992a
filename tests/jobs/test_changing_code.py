"""Runs under way outlive deploys: versions, patches, and errors that say what changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from core.errors import Refused
from jobs import registry
from jobs.actions import start_run
from jobs.models import Run
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.states import RunStatus
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db

calls: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


def deploy(name: str, function: Any, *, version: int = 1) -> None:
    """Put other code in the place of a workflow, as a new release does."""
    function.__qualname__ = name
    workflow(name, version=version, retry=NO_RETRY)(function)


def withdraw(name: str, *, version: int) -> None:
    registry._workflows[name].pop(version)


def sleeping(name: str, function: Any) -> Run:
    deploy(name, function)
    run = start_run(name)
    run_until_idle()
    run.refresh_from_db()
    assert run.status == RunStatus.WAITING
    return run


def old(run):
    run.step("first", lambda: calls.append("first"))
    run.sleep("night", 60)
    run.step("last", lambda: calls.append("last"))


def ended(run: Run) -> str:
    run_until_idle(advance=True)
    run.refresh_from_db()
    return run.status


def test_a_step_may_be_inserted_before_and_after_a_sleep():
    run = sleeping("test.inserted", old)

    def new(run):
        run.step("first", lambda: calls.append("first"))
        run.step("extra", lambda: calls.append("extra"))
        run.sleep("night", 60)
        run.step("more", lambda: calls.append("more"))
        run.step("last", lambda: calls.append("last"))

    deploy("test.inserted", new)

    assert ended(run) == "completed"
    assert calls == ["first", "extra", "more", "last"]


def test_a_renamed_sleep_fails_the_run_and_says_what_it_stood_in():
    run = sleeping("test.renamed", old)

    def new(run):
        run.step("first", lambda: calls.append("first"))
        run.sleep("a week", 60)
        run.step("last", lambda: calls.append("last"))

    deploy("test.renamed", new)

    assert ended(run) == "failed"
    assert run.error["type"] == "StepMismatch"
    assert "this run stood in step 'night' (sleep)" in run.error["message"]
    assert calls == ["first"]


def test_a_sleep_that_was_taken_away_fails_the_run():
    run = sleeping("test.removed", old)

    def new(run):
        run.step("first", lambda: calls.append("first"))
        run.step("last", lambda: calls.append("last"))

    deploy("test.removed", new)

    assert ended(run) == "failed"
    assert "this run stood in step 'night'" in run.error["message"]


def test_a_patch_lets_old_runs_go_the_old_way_and_new_ones_the_new():
    run = sleeping("test.patched", old)

    def new(run):
        run.step("first", lambda: calls.append("first"))
        if run.patched("pay twice a day"):
            run.step("pay", lambda: calls.append("pay"))
        run.sleep("night", 60)
        if run.patched("say good-bye"):
            run.step("good-bye", lambda: calls.append("good-bye"))
        run.step("last", lambda: calls.append("last"))

    deploy("test.patched", new)

    assert ended(run) == "completed"
    assert calls == ["first", "good-bye", "last"]

    calls.clear()
    later = start_run("test.patched")

    assert ended(later) == "completed"
    assert calls == ["first", "pay", "good-bye", "last"]


def test_a_run_is_driven_by_the_version_it_began_under():
    run = sleeping("test.versions", old)

    def new(run):
        run.step("all new", lambda: calls.append("new"))

    deploy("test.versions", new, version=2)
    later = start_run("test.versions")

    assert later.version == 2
    assert ended(run) == "completed"
    assert sorted(calls) == ["first", "last", "new"]


def test_a_run_whose_version_is_gone_fails_and_says_so():
    run = sleeping("test.gone", old)
    deploy("test.gone", lambda run: None, version=2)
    withdraw("test.gone", version=1)

    assert ended(run) == "failed"
    assert run.error["message"].startswith("This run began under version 1")


def test_a_run_of_a_newer_version_is_put_back_for_the_newer_code():
    deploy("test.newer", lambda run: None)
    run = start_run("test.newer")
    Run.objects.filter(pk=run.pk).update(version=2)

    assert run_until_idle() == 1

    run.refresh_from_db()
    assert (run.status, run.error) == (RunStatus.WAITING, None)


class Address(BaseModel):
    city: str


@workflow("test.typed", retry=NO_RETRY)
def typed(run, *, at: datetime, address: Address, tags: list[str] | None = None):
    calls.append((at, address, tags))
    return address.city


def test_input_becomes_what_the_workflow_says_it_takes():
    at = datetime(2027, 3, 4, 5, 6, tzinfo=UTC)
    run = start_run("test.typed", input={"at": at, "address": {"city": "Durban"}})

    assert run.input == {"at": "2027-03-04T05:06:00Z", "address": {"city": "Durban"}}
    run_until_idle()

    assert calls == [(at, Address(city="Durban"), None)]


@pytest.mark.parametrize(
    ("input", "field", "told"),
    [
        ({"address": {"city": "x"}}, "input.at", "at: field required"),
        ({"at": "soon", "address": {"city": "x"}}, "input.at", "valid datetime"),
        ({"at": "2027-01-01T00:00:00Z", "address": {}}, "input.address.city", "field required"),
        (
            {"at": "2027-01-01T00:00:00Z", "address": {"city": "x"}, "tagz": []},
            "input.tagz",
            "extra inputs are not permitted",
        ),
    ],
)
def test_input_that_does_not_fit_is_refused_naming_the_field(input, field, told):
    with pytest.raises(Refused, match=told) as refusal:
        start_run("test.typed", input=input)

    assert refusal.value.field == field
    assert "It takes at, address, tags." in refusal.value.remedy
    assert not Run.objects.exists()


def test_stored_input_that_no_longer_fits_fails_the_run_and_says_so():
    deploy("test.narrowed", lambda run: None)

    def wide(run, *, n: Any = 0):
        run.sleep("night", 60)

    def narrow(run, *, n: int = 0):
        run.sleep("night", 60)

    deploy("test.narrowed", wide)
    run = start_run("test.narrowed", input={"n": "many"})
    run_until_idle()
    deploy("test.narrowed", narrow)

    assert ended(run) == "failed"
    assert run.error["type"] == "InputMismatch"
    assert "test.narrowed was changed" in run.error["message"]

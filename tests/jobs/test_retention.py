"""What the engine forgets by itself, and what it never does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core import clock
from core.ids import uuid7
from jobs import retention
from jobs.actions import start_run
from jobs.models import ProcessKind, Run, Step, WorkerProcess
from jobs.registry import workflow
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db


@workflow("test.kept")
def kept(run):
    run.step("look", lambda: 1)


def forget(*, days: int) -> Run:
    with clock.travel(by=timedelta(days=days)):
        run = start_run("jobs.forget_old", actor="schedule")
        run_until_idle()
        run.refresh_from_db()
        return run


def test_completed_cron_runs_and_their_steps_are_forgotten_after_their_days():
    for _ in range(3):
        start_run("test.kept", actor="schedule")
    run_until_idle()

    assert forget(days=13).output == 0
    assert forget(days=15).output == 3
    assert Step.objects.filter(run__workflow="test.kept").count() == 0


def test_completed_runs_of_a_chore_are_forgotten_whoever_started_them():
    @workflow("test.chore", is_chore=True)
    def chore(run): ...

    start_run("test.chore", actor="system")
    run_until_idle()

    assert forget(days=13).output == 0
    assert forget(days=15).output == 1


@pytest.mark.parametrize("actor", ["staff:alice", "key:3f9a01c2", "system"])
def test_what_others_started_is_kept(actor):
    start_run("test.kept", actor=actor)
    run_until_idle()

    forget(days=400)

    assert Run.objects.filter(workflow="test.kept").count() == 1


def test_a_failed_cron_run_waits_for_a_person_for_ever():
    run = start_run("test.kept", actor="schedule")
    Run.objects.filter(pk=run.pk).update(status="failed", finished_at=clock.now())

    forget(days=400)

    assert Run.objects.filter(pk=run.pk).exists()


def test_many_are_forgotten_in_chunks(monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 2)
    for _ in range(5):
        start_run("test.kept", actor="schedule")
    run_until_idle()

    run = forget(days=15)

    assert run.output == 5
    assert run.steps.filter(key__startswith="forget runs").count() == 4


def test_processes_that_are_long_gone_are_forgotten():
    for seconds in (10, 90_000):
        process = WorkerProcess.objects.create(
            pk=uuid7(), kind=ProcessKind.POOL, cluster=uuid7(), host="elsewhere", pid=1, born="x"
        )
        WorkerProcess.objects.filter(pk=process.pk).update(
            beat_at=Now() - timedelta(seconds=seconds)
        )

    assert retention.forget_processes() == 1

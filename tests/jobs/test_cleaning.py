"""The clean-up that may be asked for: what is stuck goes on, what only takes long is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.ids import uuid7
from jobs.actions import start_run
from jobs.events.sending import send_event
from jobs.models import ProcessKind, Run, WorkerProcess
from jobs.registry import workflow
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db


@workflow("test.cleaned")
def cleaned(run):
    run.step("look", lambda: 1)


def held(*, seconds: int) -> Run:
    """Return a run that another machine holds, with so many seconds of its lease left."""
    run = start_run("test.cleaned")
    worker = WorkerProcess.objects.create(
        id=uuid7(), kind=ProcessKind.POOL, cluster=uuid7(), host="elsewhere", pid=1, born="1"
    )
    Run.objects.filter(pk=run.pk).update(
        status="running", worker_id=worker.pk, lease_until=Now() + timedelta(seconds=seconds)
    )
    return run


def test_a_run_whose_lease_is_lost_is_freed_and_a_long_one_left_alone():
    lost, long = held(seconds=-1), held(seconds=3600)
    Run.objects.filter(pk=long.pk).update(created_at=Now() - timedelta(days=2))

    send_event("system/cleanup-jobs.requested", {"timeoutMinutes": 10})
    run_until_idle()

    assert Run.objects.get(workflow="jobs.clean_up").output == {
        "freed": 1,
        "late": 0,
        "unblocked": 0,
    }
    lost.refresh_from_db()
    long.refresh_from_db()
    assert (lost.status, long.status) == ("completed", "running")

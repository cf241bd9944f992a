"""The supervisor replaces a cluster that makes no progress, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.ids import uuid7
from jobs import processes
from jobs.actions import start_run
from jobs.leases import claim
from jobs.models import ProcessKind, Run, WorkerProcess
from jobs.registry import workflow
from jobs.supervisor import FROZEN_SECONDS, START_SECONDS, Supervisor

pytestmark = pytest.mark.django_db


@workflow("test.waits_for_a_worker")
def waits(run): ...


@pytest.fixture
def supervisor() -> Supervisor:
    """One whose cluster has been up for a minute, with a broker loop that turned until now."""
    watching = Supervisor(stop_seconds=1)
    watching._patience_starts = time.monotonic() - 60
    watching._loop_seen = time.monotonic()
    return watching


def loop_of(supervisor: Supervisor, *, silent_for: float) -> WorkerProcess:
    return WorkerProcess.objects.create(
        pk=uuid7(),
        kind=ProcessKind.PUSHER,
        cluster=supervisor._cluster,
        host=processes.HOST,
        pid=os.getpid(),
        born=processes.birth_of(os.getpid()),
        beat_at=Now() - timedelta(seconds=silent_for),
    )


def test_a_loop_that_turns_is_left_alone(supervisor):
    loop_of(supervisor, silent_for=FROZEN_SECONDS - 1)

    assert supervisor._frozen() == ""


def test_a_loop_that_is_there_and_silent_is_frozen(supervisor):
    loop_of(supervisor, silent_for=FROZEN_SECONDS + 1)

    assert supervisor._frozen() == "the broker loop does not turn"


def test_a_killed_loop_gives_the_next_one_time_to_come(supervisor):
    assert supervisor._frozen() == ""

    supervisor._loop_seen -= FROZEN_SECONDS + 1
    assert supervisor._frozen() == "the broker loop does not turn"


def test_claims_that_nobody_takes_up_are_a_frozen_pool(supervisor):
    loop = loop_of(supervisor, silent_for=0)
    start_run("test.waits_for_a_worker")
    claim("main", worker_id=loop.pk)
    assert supervisor._frozen() == ""

    Run.objects.update(lease_until=Now() + timedelta(seconds=FROZEN_SECONDS - 1))
    assert supervisor._frozen() == "claimed runs are not taken up"


def test_a_young_cluster_is_not_judged(supervisor):
    loop_of(supervisor, silent_for=FROZEN_SECONDS + 1)
    supervisor._patience_starts = time.monotonic() - START_SECONDS + 1

    assert supervisor._frozen() == ""


def test_a_cluster_that_does_not_come_up_gets_twice_the_time_at_its_next_try(
    supervisor, monkeypatch
):
    monkeypatch.setattr(supervisor, "_spawn", lambda: None)
    supervisor._process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)

    supervisor._replace()
    supervisor._loop_seen = time.monotonic() - START_SECONDS - 1

    assert supervisor._start_seconds == 2 * START_SECONDS
    assert supervisor._frozen() == ""
    loop_of(supervisor, silent_for=0)
    assert supervisor._frozen() == ""
    assert supervisor._start_seconds == START_SECONDS

"""Many runs at once: with limits of their own, woken and cancelled together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import clock
from jobs.actions import start_run
from jobs.bulk import cancel_runs, wake_runs
from jobs.context import RunContext
from jobs.flow import Throttle
from jobs.models import Run, Wait
from jobs.registry import workflow
from jobs.starting import start_runs
from jobs.testing import run_until_idle
from jobs.triggers import CancelOn

pytestmark = pytest.mark.django_db


@workflow("bulk.doze", cancel_on=[CancelOn("bulk.over", {"n": "n"})])
def doze(run: RunContext, *, n: int) -> int:
    run.sleep_until("a day", clock.now() + timedelta(days=1))
    return n


def start(*numbers: int, **how: Any) -> list[UUID]:
    return [run.pk for run in start_runs("bulk.doze", [{"n": n} for n in numbers], **how)]


def test_a_throttle_of_their_own_spreads_the_starts() -> None:
    start(0, 1, 2, throttle=Throttle(60, 60))

    run_until_idle()

    begun = Run.objects.exclude(started_at=None).count()
    put_off = Run.objects.filter(is_admitted=True, status="waiting").count()
    assert (begun, put_off) == (1, 2)


def test_those_that_sleep_are_woken_and_those_to_come_only_when_asked() -> None:
    later = clock.now() + timedelta(days=2)
    ids = start(0, 1) + start(9, due_at=later)
    run_until_idle()

    assert wake_runs(ids) == 2
    run_until_idle()
    assert wake_runs(ids, and_begin=True) == 3


def test_those_at_rest_end_at_once_with_all_they_waited_for() -> None:
    ids = start(0, 1, 2)
    run_until_idle()
    other = start_run("bulk.doze", input={"n": 7})

    assert cancel_runs(ids, by="staff:alice") == 3
    assert cancel_runs(ids, by="staff:alice") == 0

    assert set(Run.objects.filter(pk__in=ids).values_list("status", "cancel_requested_by")) == {
        ("cancelled", "staff:alice")
    }
    other.refresh_from_db()
    assert other.status == "ready"
    assert list(Wait.objects.values_list("run", flat=True)) == [other.pk]


def test_a_run_that_a_worker_holds_ends_at_its_next_checkpoint() -> None:
    [held] = start(0)
    Run.objects.filter(pk=held).update(status="running")

    assert cancel_runs([held], by="staff:alice") == 1

    run = Run.objects.get(pk=held)
    assert (run.status, run.cancel_requested_by) == ("running", "staff:alice")

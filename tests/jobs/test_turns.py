"""A worker that ends a run takes the next by itself, for a moment: forward in the queue, and nothing is passed over."""

from __future__ import annotations

import pytest

from core.ids import uuid7
from jobs import heartbeat, worker
from jobs.actions import start_run
from jobs.leases import claim
from jobs.models import Run
from jobs.registry import workflow

pytestmark = pytest.mark.django_db

served: list[str] = []


@workflow("test.served")
def serve_one(run, *, name: str, starts: str = "") -> None:
    served.append(name)
    if starts:
        start_run("test.served", input={"name": starts}, priority=3600)


def turn(*, seconds: float = 60) -> None:
    """Claim a run and serve as a pool process does."""
    heartbeat.be_quiet()
    lease = claim("main", worker_id=uuid7())
    assert lease is not None
    worker._serve(lease.run_id, lease.epoch, seconds=seconds)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    served.clear()


def test_a_turn_serves_what_is_ready_in_its_order():
    for name in "abcde":
        start_run("test.served", input={"name": name})

    turn()

    assert served == ["a", "b", "c", "d", "e"]
    assert set(Run.objects.values_list("status", "epoch")) == {("completed", 1)}


@pytest.mark.parametrize("starter", "abc")
def test_what_becomes_ready_at_the_head_of_the_queue_during_a_turn_is_served(starter):
    for name in "abc":
        starts = "urgent" if name == starter else ""
        start_run("test.served", input={"name": name, "starts": starts})

    turn()

    assert sorted(served) == ["a", "b", "c", "urgent"]
    assert served.index("urgent") > served.index(starter)


def test_a_worker_whose_turn_is_over_takes_nothing_more():
    for name in "ab":
        start_run("test.served", input={"name": name})

    turn(seconds=0)

    assert served == ["a"]
    assert Run.objects.filter(status="ready").count() == 1

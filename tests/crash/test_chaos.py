"""The short version of `make chaos-campaign`: 2,000 messages under fire, and every trouble heals within its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.chaos import faults
from bench.chaos.arena import Arena
from bench.chaos.faults import Fault
from bench.chaos.trial import hold_trial, print_table
from tests.crash.theatre import Theatre, is_postgres
from tests.fakes.resend_server import ResendServer

pytestmark = pytest.mark.crash

PEOPLE = 2_000
#: So slow that even on a slow machine the faults end before the messages do; what is left goes at full speed.
PER_SECOND = 20.0


@pytest.fixture
def arena(theatre: Theatre) -> Iterator[Arena]:
    with ResendServer() as server:
        server.misbehave(**faults.BAD_DAY)
        arena = Arena(theatre, server)
        arena.stage(PEOPLE, per_second=PER_SECOND)
        yield arena


def some_of_everything() -> list[Fault]:
    """Every kind of process, the provider and the database; in an order that gives each its turn."""
    after_acceptance = Fault(
        "worker killed after acceptance", 5, faults.between_acceptance_and_settlement
    )
    chosen = [
        after_acceptance,
        Fault("busy worker killed", 5, faults.busy_worker),
        Fault("pusher killed", 10, faults.one_process("pusher", "pusher")),
        after_acceptance,
        Fault("idle worker killed", 5, faults.idle_worker),
        Fault("monitor killed", 10, faults.one_process("monitor", "monitor")),
        Fault("429 for 2 s, retry-after 1", 5, faults.storm(2, requests_per_second=1)),
        Fault("sentinel killed", 15, faults.one_process("sentinel", "sentinel")),
        Fault("only 500s for 1 s", 25, faults.storm(1, error_rate=1.0)),
        Fault("every answer cut for 1 s", 25, faults.storm(1, cut_rate=1.0)),
        Fault("answers take 1 s, for 2 s", 10, faults.storm(2, slow_seconds=1.0)),
        Fault("whole cluster killed", 15, faults.one_process("cluster", "cluster")),
        Fault("quota used up: paused, staff alerted", 5, faults.quota_pauses),
        Fault("a person resumes the sender", 5, faults.person_resumes),
        Fault("supervisor killed, started again", 15, faults.supervisor),
        after_acceptance,
    ]
    if is_postgres():
        chosen.append(Fault("every database connection cut", 10, faults.connections_cut))
    return chosen


def test_2_000_messages_under_fire_arrive_once_each_and_every_trouble_heals_in_time(arena: Arena):
    report = hold_trial(arena, some_of_everything())

    print_table(report)
    assert (report.lost, report.doubled, report.differing) == (0, 0, 0)
    assert report.missed == []
    assert report.is_sent
    assert report.kills == {
        "worker after acceptance": 3,
        "busy worker": 1,
        "idle worker": 1,
        "pusher": 1,
        "monitor": 1,
        "sentinel": 1,
        "cluster": 1,
        "supervisor": 1,
    }

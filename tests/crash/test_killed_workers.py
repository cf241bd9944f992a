"""Real worker processes are killed; no run is lost, and only what was in flight is repeated."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.crash.theatre import Theatre, family, holds_queue_lock, kill
from tests.stage.points import POINTS

pytestmark = pytest.mark.crash


def test_killed_at_every_boundary_each_run_ends_and_only_the_step_in_flight_is_repeated(
    theatre: Theatre,
):
    theatre.start_runs("stage.three_steps", [{"point": point} for point in POINTS])

    with theatre.worker():
        theatre.wait_until_all("completed", count=len(POINTS), seconds=90)

    effects = Counter(tuple(line.split("|")[:2]) for line in theatre.lines())
    repeated = {("mid first", "first"): 2, ("mid last", "last"): 2}
    assert effects == {
        (point, step): repeated.get((point, step), 1)
        for point in POINTS
        for step in ("first", "last")
    }
    keys = {tuple(line.split("|")[:2]): set() for line in theatre.lines()}
    for line in theatre.lines():
        point, step, key = line.split("|")
        keys[point, step].add(key)
    assert {len(found) for found in keys.values()} == {1}, "a repeated step keeps its key"
    database = theatre.rows("SELECT point, count(*) FROM stage_effect GROUP BY point")
    assert dict(database) == dict.fromkeys(POINTS, 1)


def test_a_run_that_kills_every_worker_is_given_up_after_three_crashes_and_harms_no_other(
    theatre: Theatre,
):
    theatre.start_run("stage.poison")
    theatre.start_runs("stage.note", [{"word": "a"}, {"word": "b"}])

    with theatre.worker():
        theatre.wait_for(
            lambda: theatre.statuses() == {"failed": 1, "completed": 2},
            seconds=60,
            what="poison failed, notes completed",
        )

    assert Counter(theatre.lines()) == {"poison": 3, "a": 1, "b": 1}


def test_a_dead_workers_run_is_taken_up_within_five_seconds(theatre: Theatre):
    theatre.start_run("stage.long", seconds=20)

    with theatre.worker():
        theatre.wait_for(lambda: theatre.lines() == ["long"], seconds=30, what="the run is driven")
        [(pid,)] = theatre.rows(
            "SELECT w.pid FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
            " WHERE r.workflow = 'stage.long'"
        )
        kill(pid)
        took = theatre.wait_for(
            lambda: theatre.lines() == ["long", "long"], seconds=15, what="the run is driven again"
        )

    assert took < 5


def test_killing_the_idle_worker_that_holds_the_queues_lock_heals_within_thirty_seconds(
    theatre: Theatre,
):
    with theatre.worker() as supervisor:
        theatre.start_runs("stage.note", [{"word": "before"}])
        theatre.wait_until_all("completed", count=1, seconds=30)
        holders = [pid for pid in family(supervisor.pid) if holds_queue_lock(pid)]
        pool = pool_pids(supervisor.pid)
        [holder] = [pid for pid in holders if pid in pool]

        kill(holder)
        theatre.start_runs("stage.note", [{"word": "after"}])
        took = theatre.wait_until_all("completed", count=2, seconds=60)

    assert took < 30
    assert theatre.lines() == ["before", "after"]
    assert "is frozen" in theatre.log.read_text()


def pool_pids(supervisor: int) -> set[int]:
    """The pool's processes: those children of the sentinel that were born first, before monitor and pusher."""
    _cluster, _sentinel, *rest = family(supervisor)
    return set(rest[:-2])


@pytest.mark.parametrize("whom", ["cluster", "sentinel", "pusher", "monitor"])
def test_any_other_process_of_the_cluster_can_be_killed(theatre: Theatre, whom: str):
    with theatre.worker() as supervisor:
        theatre.start_run("stage.note", word="before")
        theatre.wait_until_all("completed", count=1, seconds=30)
        cluster, sentinel, *rest = family(supervisor.pid)
        victims = {
            "cluster": cluster,
            "sentinel": sentinel,
            "monitor": rest[-2],
            "pusher": rest[-1],
        }

        kill(victims[whom])
        theatre.start_run("stage.note", word="after")
        took = theatre.wait_until_all("completed", count=2, seconds=60)

    assert took < 30
    assert theatre.lines() == ["before", "after"]


def test_a_new_monitor_takes_up_the_results_where_a_killed_one_left_them(theatre: Theatre):
    with theatre.worker() as supervisor:
        theatre.start_run("stage.note", word="before")
        theatre.wait_until_all("completed", count=1, seconds=30)
        monitor, pusher = family(supervisor.pid)[-2:]
        theatre.wait_for(lambda: holds_queue_lock(monitor), seconds=5, what="it waits for results")

        kill(monitor)

        theatre.wait_for(
            lambda: family(supervisor.pid)[-1] != pusher, seconds=10, what="there is a new monitor"
        )
        [*_, new] = family(supervisor.pid)
        theatre.wait_for(
            lambda: holds_queue_lock(new), seconds=5, what="the new one waits for them"
        )


def test_no_process_outlives_its_supervisor(theatre: Theatre):
    with theatre.worker() as supervisor:
        theatre.start_run("stage.note", word="once")
        theatre.wait_until_all("completed", count=1, seconds=30)
        descendants = family(supervisor.pid)
        assert len(descendants) == 6

        kill(supervisor.pid)
        supervisor.wait()

        theatre.wait_for(
            lambda: not any(is_running(pid) for pid in descendants), seconds=10, what="all are dead"
        )


def is_running(pid: int) -> bool:
    from jobs.processes import birth_of

    return birth_of(pid) != ""


def test_a_clean_stop_gives_unfinished_runs_back(theatre: Theatre):
    with theatre.worker(workers=1):
        theatre.start_runs("stage.long", [{"seconds": 60}])
        theatre.wait_for(lambda: theatre.lines() == ["long"], seconds=30, what="the run is driven")

    assert theatre.rows("SELECT status, crashes FROM jobs_run WHERE workflow = 'stage.long'") == [
        ("ready", 0)
    ]

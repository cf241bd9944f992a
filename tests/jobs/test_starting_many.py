"""Many starts at once are what the same starts one by one would be, in a few statements."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.errors import Refused
from jobs import registry, rows_of_runs
from jobs.actions import start_run, start_runs
from jobs.drafting import draft_run
from jobs.flow import Concurrency, RateLimit, Singleton, Throttle
from jobs.models import Run
from jobs.registry import workflow
from jobs.testing import run_until_idle
from jobs.triggers import CancelOn

pytestmark = pytest.mark.django_db

done: list[int] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    done.clear()


@workflow("test.many")
def many(run, *, n: int = 0):
    done.append(n)


@workflow(
    "test.many_limited",
    version=3,
    concurrency=(Concurrency(1, key="n"), Concurrency(2)),
    throttle=Throttle(7, 60, burst=2),
    deadline=60,
    start_within=30,
    priority=5,
    cancel_on=[CancelOn("many.end", {"n": "n"})],
)
def many_limited(run, *, n):
    done.append(n)


def kept(run: Run) -> dict:
    return {field.attname: getattr(run, field.attname) for field in Run._meta.concrete_fields}


@pytest.mark.parametrize("name", ["test.many", "test.many_limited"])
@pytest.mark.parametrize(
    "insert", [rows_of_runs.insert, lambda run: rows_of_runs.insert_many([run])]
)
def test_a_run_is_stored_as_it_was_drafted_in_every_column(name, insert):
    parent = start_run("test.many")
    due = clock.now() + timedelta(hours=1)
    run = draft_run(
        registry.get(name), input={"n": 7}, actor="staff:o'hara", due_at=due, idempotency_key="k"
    )
    run.parent, run.parent_step, run.child_index = parent, 'step "one" %s', 0

    assert insert(run)

    assert kept(Run.objects.get(pk=run.pk)) == kept(run)


def test_many_runs_are_started_in_one_transaction_and_served_in_their_order():
    runs = start_runs("test.many", [{"n": n} for n in range(700)], actor="staff:alice")

    assert [run.input["n"] for run in runs] == list(range(700))
    assert {run.actor for run in runs} == {"staff:alice"}
    run_until_idle()
    assert done == list(range(700))


def test_a_key_starts_one_run_whether_it_was_used_before_or_twice_at_once():
    earlier = start_run("test.many", input={"n": 1}, idempotency_key="a")

    runs = start_runs("test.many", [{"n": 2}, {"n": 3}, {"n": 4}], idempotency_keys=["a", "b", "b"])

    assert [run.input["n"] for run in runs] == [1, 3, 3]
    assert runs[0].pk == earlier.pk
    assert Run.objects.count() == 2


def test_an_input_that_does_not_fit_is_named_by_its_place_and_nothing_is_started():
    with pytest.raises(Refused, match="^Input 2: .*cannot be started") as refused:
        start_runs("test.many", [{"n": 1}, {"n": "x"}])

    assert refused.value.field == "inputs.1.n"
    assert Run.objects.count() == 0


@workflow("test.many_single", singleton=Singleton(key="n"))
def many_single(run, *, n):
    done.append(n)


@workflow("test.many_rated", rate_limit=RateLimit(2, 3600))
def many_rated(run, *, n):
    done.append(n)


def test_limits_hold_among_starts_of_one_moment():
    singles = start_runs("test.many_single", [{"n": 1}, {"n": 2}, {"n": 1}])
    rated = start_runs("test.many_rated", [{"n": n} for n in range(4)])

    assert [run.status for run in singles] == ["ready", "ready", "skipped"]
    assert [run.status for run in rated] == ["ready", "ready", "skipped", "skipped"]


def test_runs_started_together_stand_by_for_what_cancels_each():
    runs = start_runs("test.many_limited", [{"n": 1}, {"n": 2}])

    assert [run.waits.get().key for run in runs] == ['many.end?{"n":1}', 'many.end?{"n":2}']

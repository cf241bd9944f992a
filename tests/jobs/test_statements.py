"""The engine's own statements: parsed and planned once per connection."""

from __future__ import annotations

import pytest
from django.db import connection

from jobs.actions import start_run, start_runs
from jobs.database import is_postgres
from jobs.models import Run
from jobs.registry import workflow
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db
on_postgres = pytest.mark.skipif(
    not is_postgres(), reason="SQLite's driver keeps statements by itself"
)


@workflow("test.prepared")
def prepared(run):
    run.step("one", lambda: 1)
    run.step("two", lambda: 2)


@on_postgres
def test_what_runs_for_every_step_is_prepared_once():
    for _ in range(2):
        start_run("test.prepared")
    before = executions_of_prepared("INSERT INTO jobs_step")

    run_until_idle()

    assert executions_of_prepared("INSERT INTO jobs_step") - before == 4


@on_postgres
def test_five_hundred_starts_are_one_statement():
    before = executions_of_prepared("INSERT INTO jobs_run")

    start_runs("test.prepared", [{}] * 500)

    assert executions_of_prepared("INSERT INTO jobs_run") - before == 1
    assert Run.objects.count() == 500


@on_postgres
@pytest.mark.parametrize("words", ["%UPDATE jobs_run%", "%jobs_step%"])
def test_no_plan_that_was_made_in_an_empty_table_reads_an_index_of_statuses_to_find_one_run(words):
    """Plans are kept: `run_ready` and `run_held` are short when they are made, and long when they are used."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_run")
    for _ in range(8):
        start_run("test.prepared")
    run_until_idle()

    plans = plans_of_prepared(words)

    assert plans
    for plan in plans:
        by_status = sum(plan.count(f"using run_{name} ") for name in ("ready", "due", "held"))
        assert by_status == plan.count("Limit  (")  # that is the search for the first; no other


def plans_of_prepared(words: str) -> list[str]:
    """Return the generic plans of prepared statements."""
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(
            "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"
            " WHERE statement LIKE %s",
            [words],
        )
        for name, count in cursor.fetchall():
            nulls = f"({', '.join(['NULL'] * count)})" if count else ""
            cursor.execute(f"EXPLAIN EXECUTE {name}{nulls}")
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    return plans


def executions_of_prepared(words: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(generic_plans + custom_plans), 0) FROM pg_prepared_statements"
            " WHERE statement LIKE %s",
            [f"%{words}%"],
        )
        count: int = cursor.fetchone()[0]
    return count

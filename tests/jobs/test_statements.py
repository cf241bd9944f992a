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


def executions_of_prepared(words: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(generic_plans + custom_plans), 0) FROM pg_prepared_statements"
            " WHERE statement LIKE %s",
            [f"%{words}%"],
        )
        count: int = cursor.fetchone()[0]
    return count

"""Reads a run from what a statement of the engine returned, as the ORM would have read it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection

from jobs.models import Run


@cache
def columns() -> str:
    """Return the columns of a run, for a RETURNING."""
    return ", ".join(f"jobs_run.{field.column}" for field in Run._meta.concrete_fields)


def read(row: Sequence[Any]) -> Run:
    """Return the run whose `columns()` a row holds."""
    values = list(row)
    names, converters = _conversion()
    for place, (convert, expression) in converters:
        for each in convert:
            values[place] = each(values[place], expression, connection)
    run: Run = Run.from_db(DEFAULT_DB_ALIAS, names, values)
    return run


@cache
def _conversion() -> tuple[list[str], list[tuple[int, Any]]]:
    fields = Run._meta.concrete_fields
    compiler = Run._base_manager.all().query.get_compiler(DEFAULT_DB_ALIAS)
    converters = compiler.get_converters([field.get_col(Run._meta.db_table) for field in fields])
    return [field.attname for field in fields], list(converters.items())

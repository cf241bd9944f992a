"""Runs between Python and the engine's own statements: read as the ORM would have read them, and written as new.

The model is the one definition of the columns: whatever stands at its default is part of the statement's text, so a new
run is a dozen parameters instead of fifty, and PostgreSQL has few statements to prepare.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connection

from jobs import wakeup
from jobs.database import hot, is_postgres, uuid_of
from jobs.models import Run

#: In the place of a default that each run makes for itself.
_OWN = object()

Names = tuple[str, ...]


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


def insert(run: Run) -> bool:
    """Insert a new run and wake who serves its queue, in one statement; False where a constraint has its equal."""
    given = _given([run])
    values = [_fields()[name].get_db_prep_save(getattr(run, name), connection) for name in given]
    told = [wakeup.channel(run.queue)] if is_postgres() else []
    is_inserted = bool(hot(_insert_sql(given), values + told))
    if is_inserted:
        _is_stored(run)
    return is_inserted


def insert_many(runs: Sequence[Run]) -> list[Run]:
    """Insert new runs and wake who serves their queues; return those that were inserted, which is all but equals."""
    if not is_postgres():
        return [run for run in runs if insert(run)]
    given = _given(runs)
    rows = json.dumps([_as_json(run, given) for run in runs], cls=DjangoJSONEncoder)
    stored = {uuid_of(row[0]) for row in hot(_insert_many_sql(given), [rows])} if runs else set()
    for queue in {run.queue for run in runs}:
        wakeup.notify(queue)
    return [_is_stored(run) for run in runs if run.pk in stored]


def _as_json(run: Run, given: Names) -> dict[str, Any]:
    return {_fields()[name].column: _exact(getattr(run, name)) for name in given}


def _exact(value: Any) -> Any:
    """Keep the microseconds of a moment, which the encoder would drop."""
    return value.isoformat() if isinstance(value, datetime) else value


def _is_stored(run: Run) -> Run:
    run._state.adding, run._state.db = False, DEFAULT_DB_ALIAS
    return run


@cache
def _fields() -> dict[str, Any]:
    return {field.attname: field for field in Run._meta.concrete_fields}


@cache
def _defaults() -> list[tuple[str, Any]]:
    return [
        (name, _OWN if field.has_default() and callable(field.default) else field.get_default())
        for name, field in _fields().items()
    ]


def _given(runs: Sequence[Run]) -> Names:
    """Return what does not stand at its default in all of these runs."""
    given = {name for run in runs for name, default in _defaults() if getattr(run, name) != default}
    return tuple(name for name in _fields() if name in given)


@cache
def _insert_sql(given: Names) -> str:
    into, constants = _parts(given)
    sql = (
        f"{into} VALUES ({', '.join(['%s'] * len(given) + constants)})"
        " ON CONFLICT DO NOTHING RETURNING id"
    )
    if not is_postgres():
        return sql
    return f"WITH inserted AS ({sql}) SELECT pg_notify(%s, '') FROM inserted"  # noqa: S608


@cache
def _insert_many_sql(given: Names) -> str:
    """The rows come as one parameter; PostgreSQL knows the types of its own columns."""
    into, constants = _parts(given)
    named = [_fields()[name].column for name in given]
    return (
        f"{into} SELECT {', '.join(named + constants)}"  # noqa: S608
        " FROM jsonb_populate_recordset(NULL::jobs_run, %s::jsonb)"
        " ON CONFLICT DO NOTHING RETURNING id"
    )


def _parts(given: Names) -> tuple[str, list[str]]:
    """Return the beginning of an INSERT, and the constants that stand behind what is given."""
    rest = [(name, default) for name, default in _defaults() if name not in given]
    named = [_fields()[name].column for name in (*given, *(name for name, _ in rest))]
    return f"INSERT INTO jobs_run ({', '.join(named)})", [_literal(each) for _, each in rest]


def _literal(constant: Any) -> str:
    """Return a default of the model as SQL."""
    if constant is None:
        return "NULL"
    if isinstance(constant, bool | int):
        return str(constant).upper()
    return "'" + str(constant).replace("'", "''") + "'"

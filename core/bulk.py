"""Many rows into one table: COPY on PostgreSQL, one prepared statement on SQLite.

Neither calls `save()`, sends signals or fills in defaults: every column that is to hold something must be named.
Values are Python values, as the model's fields take them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, models, transaction

Row = Sequence[Any]


class JsonText(str):
    """JSON that is written already."""

    __slots__ = ()


def insert_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows; raises IntegrityError where one may not stand, and then inserts none."""
    fields = [_field(model, column) for column in columns]
    if connection.vendor == "postgresql":
        _copy(_name(model._meta.db_table), fields, rows)
        return
    statement = (
        f"INSERT INTO {_name(model._meta.db_table)} ({_names(fields)}) VALUES ({_marks(fields)})"  # noqa: S608
    )
    _execute_many(statement, fields, rows)


def insert_missing_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Insert rows, leaving out those that a unique constraint of the table forbids."""
    fields = [_field(model, column) for column in columns]
    table = _name(model._meta.db_table)
    if connection.vendor == "postgresql":
        with transaction.atomic():
            staging = _staged(model, fields, rows)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {table} ({_names(fields)}) SELECT {_names(fields)} FROM {staging}"  # noqa: S608
                    " ON CONFLICT DO NOTHING"
                )
        return
    statement = f"INSERT OR IGNORE INTO {table} ({_names(fields)}) VALUES ({_marks(fields)})"  # noqa: S608
    _execute_many(statement, fields, rows)


def update_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Set columns of the rows with these keys; the first column is the primary key."""
    fields = [_field(model, column) for column in columns]
    key, *changed = fields
    table = _name(model._meta.db_table)
    if connection.vendor == "postgresql":
        settings = ", ".join(f"{_name(each.column)} = s.{_name(each.column)}" for each in changed)
        with transaction.atomic():
            staging = _staged(model, fields, rows)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {table} t SET {settings} FROM {staging} s"  # noqa: S608
                    f" WHERE t.{_name(key.column)} = s.{_name(key.column)}"
                )
        return
    settings = ", ".join(f"{_name(each.column)} = %s" for each in changed)
    statement = f"UPDATE {table} SET {settings} WHERE {_name(key.column)} = %s"  # noqa: S608
    _execute_many(statement, [*changed, key], ((*rest, first) for first, *rest in rows))


def _staged(model: type[models.Model], fields: Sequence[Any], rows: Iterable[Row]) -> str:
    """Copy rows into a table that lives as long as this transaction; return its name."""
    staging = _name(f"staged_{model._meta.db_table}")
    columns = _names(fields)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{staging}")
        cursor.execute(
            f"CREATE TEMP TABLE {staging} ON COMMIT DROP AS"  # noqa: S608
            f" SELECT {columns} FROM {_name(model._meta.db_table)} WITH NO DATA"
        )
    _copy(staging, fields, rows)
    return staging


def _copy(table: str, fields: Sequence[Any], rows: Iterable[Row]) -> None:
    adapters = _adapters(fields)
    with (
        connection.wrap_database_errors,  # what COPY finds out at its end too
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({_names(fields)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(_adapted(row, adapters))


def _execute_many(statement: str, fields: Sequence[Any], rows: Iterable[Row]) -> None:
    adapters = _adapters(fields)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, [_adapted(row, adapters) for row in rows])


def _adapters(fields: Sequence[Any]) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return the places of the columns whose values are no parameters as they are, and what makes them such."""
    found = [(at, _adapter(field)) for at, field in enumerate(fields)]
    return [(at, adapt) for at, adapt in found if adapt]


def _adapted(row: Row, adapters: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for at, adapt in adapters:
        if values[at] is not None:
            values[at] = adapt(values[at])
    return values


def _adapter(field: Any) -> Callable[[Any], Any] | None:
    """Return how a field's values become parameters; nothing where they are as they are."""
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.ForeignKey):
        return _adapter(field.target_field)
    if connection.vendor == "postgresql":
        return None
    if isinstance(field, models.UUIDField):
        return lambda value: value.hex
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    return None


def _json(value: Any) -> str:
    """Return JSON. Most lists of most rows are empty, and the encoder is slow to begin."""
    if isinstance(value, JsonText):
        return str(value)
    return "[]" if value == [] else json.dumps(value)


def _field(model: type[models.Model], column: str) -> Any:
    return model._meta.get_field(column)


def _names(fields: Sequence[Any]) -> str:
    return ", ".join(_name(field.column) for field in fields)


def _marks(fields: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(fields))


def _name(name: str) -> str:
    return connection.ops.quote_name(name)

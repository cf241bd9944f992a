"""SQL that the ORM does not write by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import CharField, Expression, Model
from django.db.models.sql.compiler import SQLCompiler


class Literal(Expression):
    """A word of ours, written into the statement instead of bound to it.

    Planners match a query with a partial index by its text: a bound `status = ?` never uses an index
    `WHERE status = 'pending'` on SQLite. Only for constants of the code; letters and `_` alone.
    """

    output_field = CharField()

    def __init__(self, word: str) -> None:
        if not word.replace("_", "").isalpha():
            raise ValueError(f"{word!r} is not a plain word")
        super().__init__()
        self.word = str(word)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[()]]:
        return f"'{self.word}'", ()


def update_from(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Update many rows in one statement: each row is a key and then a value per field; return how many there were.

    `UPDATE … FROM` a table of values settles hundreds in a few milliseconds. The values go over as one array per
    column on PostgreSQL, where binding three parameters costs a tenth of binding three hundred.
    """
    if not rows:
        return 0
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in columns)]
    given, params = _given(fields, rows)
    changes = ", ".join(
        f"{connection.ops.quote_name(field.column)} = given.column{number}"
        for number, field in enumerate(fields[1:], 2)
    )
    table = connection.ops.quote_name(model._meta.db_table)
    key = connection.ops.quote_name(fields[0].column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {changes} FROM {given} WHERE {table}.{key} = given.column1",  # noqa: S608 - names of our models
            params,
        )
        return cursor.rowcount


def _given(fields: Sequence[Any], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return the rows as a table `given (column1, …)`, with its parameters."""
    names = ", ".join(f"column{number}" for number in range(1, len(fields) + 1))
    values = [
        [field.get_db_prep_value(value, connection) for value in column]
        for field, column in zip(fields, zip(*rows, strict=True), strict=True)
    ]
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{field.rel_db_type(connection)}[]" for field in fields)
        return f"unnest({arrays}) AS given ({names})", values
    row = f"({', '.join(['%s'] * len(fields))})"
    table = ", ".join([row] * len(rows))
    return f"(VALUES {table}) AS given", [v for given in zip(*values, strict=True) for v in given]


def share(model: type[Model], ids: Iterable[Any]) -> None:
    """Keep these rows from being changed until the transaction ends; others may share them meanwhile.

    (On SQLite whoever writes has the whole database.)
    """
    keys = sorted(set(ids))
    if connection.vendor != "postgresql" or not keys:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {table} WHERE id = ANY(%s) ORDER BY id FOR SHARE",  # noqa: S608 - a name of our models
            [keys],
        )


def commit_soon() -> None:
    """Let the present transaction commit without waiting for the disk.

    Nothing is lost with a process. With the machine it may be, and then all of it: for what can be had again.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")

"""SQL that the ORM does not write by itself."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Expression
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

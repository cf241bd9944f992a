"""`among`: as `in`, for many values.

PostgreSQL gets them as one array. A list of marks is longer to write, to read and to plan than such a query is to run.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Field
from django.db.models.lookups import In


@Field.register_lookup
class Among(In):
    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        rhs: Any = self.rhs
        _, values = self.get_db_prep_lookup(rhs, connection)
        return f"{column} = ANY(%s)", [*params, values]

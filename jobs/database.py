"""What differs between PostgreSQL and SQLite, in one place: the database's clock, and parameters of raw statements."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections

Rows = list[tuple[Any, ...]]

#: psycopg prepares what it is asked to, and nothing because it saw it so often.
_NEVER_BY_ITSELF = sys.maxsize


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def hot(sql: str, params: Sequence[Any]) -> Rows:
    """Execute one of the engine's own statements that run for every run or step, and return its rows.

    PostgreSQL parses and plans it once per connection: that costs more than executing it. It takes part in the present
    transaction and raises Django's errors; a connection that is dead is found by the error, not by a question before.
    """
    here = connections[DEFAULT_DB_ALIAS]  # looked up once: `connection` looks at every mention
    if here.vendor != "postgresql":
        with here.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()
    from psycopg import Cursor  # Django's own cursors bind in the client, and so prepare nothing

    here.ensure_connection()
    here.validate_no_broken_transaction()
    session: Any = here.connection
    if session.prepare_threshold is None:  # Django's way to say that nothing may be prepared
        session.prepare_threshold = _NEVER_BY_ITSELF
    with here.wrap_database_errors:
        return Cursor(session).execute(sql, params, prepare=True).fetchall()


def is_lost(error: Exception) -> bool:
    """Whether an error means that the connection is gone, and not only a statement wrong, too slow or in another's way.

    To be asked where the error is caught, before anything connects anew.
    """
    return isinstance(error, DatabaseError | InterfaceError) and not connection.is_usable()


def still(status: str) -> str:
    """Return SQL that a run has a status, to be checked of one that is found by its key, and never to find it by.

    PostgreSQL keeps the plans of prepared statements: made while hardly a run had the status, a plan reads the partial
    index of that status from end to end, as if it were the shortest way, when thousands have it.
    """
    return f"status || '' = '{status}'"


def later(seconds: float) -> str:
    """Return SQL for the database's own clock plus some seconds."""
    if is_postgres():
        return f"clock_timestamp() + interval '{seconds:f} seconds'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '{seconds:+f} seconds')"


def epoch_now() -> str:
    """Return SQL for the database's own clock in seconds since 1970."""
    if is_postgres():
        return "extract(epoch from clock_timestamp())::double precision"
    return "((julianday('now') - 2440587.5) * 86400.0)"


def key_of(value: uuid.UUID) -> Any:
    """Return a UUID as a raw statement takes it."""
    return value if is_postgres() else value.hex


def uuid_of(value: Any) -> uuid.UUID:
    """Return the UUID that a raw statement answered."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(hex=value)


def json_of(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder)


def json_type() -> str:
    return "::jsonb" if is_postgres() else ""

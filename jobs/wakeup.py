"""Tells sleeping broker loops that there is work.

NOTIFY on PostgreSQL, the data version on SQLite; a short poll is the floor of both.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.database import is_postgres

SQLITE_POLL_SECONDS = 0.01


def notify(queue: str) -> None:
    """Wake the loops that serve a queue when the present transaction commits."""
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [channel(queue)])


def channel(queue: str) -> str:
    return f"longhaul_{queue}"


class Ear(Protocol):
    """Listens for work on a connection of its own. Raises Django's database errors when that is lost."""

    def wait(self, seconds: float) -> None: ...

    def close(self) -> None: ...


def listen(queue: str) -> Ear:
    """Return an ear; open it after the fork, in the process that uses it."""
    return PostgresEar(queue) if is_postgres() else SqliteEar()


def _own_connection() -> BaseDatabaseWrapper:
    """Return an open connection apart from this thread's; its errors become Django's inside its own wrapper."""
    wrapper = connections.create_connection("default")
    wrapper.connect()
    return wrapper


class PostgresEar:
    """LISTEN. Needs a session of its own, so not through a transaction pooler."""

    def __init__(self, queue: str) -> None:
        self._connection = _own_connection()
        with self._connection.cursor() as cursor:
            cursor.execute(f'LISTEN "{channel(queue)}"')

    def wait(self, seconds: float) -> None:
        session: Any = self._connection.connection
        with self._connection.wrap_database_errors:
            for _ in session.notifies(timeout=seconds, stop_after=1):
                pass

    def close(self) -> None:
        self._connection.close()


class SqliteEar:
    """Looks at the data version, which every commit of another connection moves."""

    def __init__(self) -> None:
        self._connection = _own_connection()
        self._seen = self._version()

    def _version(self) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            return int(cursor.fetchone()[0])

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            version = self._version()
            if version != self._seen:
                self._seen = version
                return
            time.sleep(min(SQLITE_POLL_SECONDS, seconds))

    def close(self) -> None:
        self._connection.close()

"""A database of a benchmark's own, on either vendor, with real processes over it."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.crash.theatre import ROOT, Theatre
from tools.run_tests import find_postgresql


@contextmanager
def fresh_theatre(folder: Path, vendor: str) -> Iterator[Theatre]:
    """Migrate a new database, and drop it afterwards."""
    with database(folder, vendor) as url:
        theatre = Theatre(folder, url)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v", "0"],
            cwd=ROOT,
            env=theatre.environment,
            check=True,
        )
        yield theatre


@contextmanager
def database(folder: Path, vendor: str) -> Iterator[str]:
    """A new database's address: a file, or one on TEST_DATABASE_URL or 127.0.0.1:5432."""
    if vendor == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    server, reason = find_postgresql()
    if not server:
        raise SystemExit(f"This benchmark needs PostgreSQL: {reason}")
    name = f"longhaul_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, dbname="postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

"""A database of a benchmark's own, on either vendor, with real processes over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.chaos.postgres import throw_away_postgres
from tests.crash.theatre import ROOT, Theatre

#: In development Django remembers every statement, which costs time and memory: measure what people run.
PRODUCTION = {
    "DEBUG": "false",
    "HTTPS": "false",
    "SECRET_KEY": "a benchmark's own and no secret at all, but long enough",
    "ADDRESS_HASH_KEY": "a benchmark's own",
    "ALLOWED_HOSTS": "127.0.0.1",
}


@contextmanager
def fresh_theatre(folder: Path, vendor: str) -> Iterator[Theatre]:
    """Migrate a new database, and drop it afterwards."""
    with database(folder, vendor) as url:
        theatre = Theatre(folder, url)
        theatre.environment |= PRODUCTION
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v", "0"],
            cwd=ROOT,
            env=theatre.environment,
            check=True,
        )
        yield theatre


@contextmanager
def database(folder: Path, vendor: str) -> Iterator[str]:
    """A new database's address: a file, or a PostgreSQL cluster of its own with its default settings."""
    if vendor == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    folder.chmod(0o755)
    with throw_away_postgres(folder) as postgres:
        yield postgres.url

"""Run the suite on SQLite and, where one is reachable, on PostgreSQL; say plainly where not.

    python -m tools.run_tests [--only sqlite|postgresql] [pytest arguments]

With `CI=true` the PostgreSQL half is required. Tests marked `crash` kill processes and start
others, so they run one by one after the rest.
"""

from __future__ import annotations

import argparse
import getpass
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg

NOTHING_COLLECTED = 5
QUIET = ("-m", "pytest", "--no-header")
WORKERS = ("-n", "2")


def candidates() -> Iterator[str]:
    """Yield the addresses at which a PostgreSQL for tests may answer: a named one alone."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    for user in dict.fromkeys([getpass.getuser(), "postgres"]):
        yield f"postgres://{user}@127.0.0.1:5432/longhaul_{os.getpid()}"


def may_create_databases(url: str) -> str:
    """Return why the tests cannot use the server at this address; an empty string when they can."""
    try:
        with psycopg.connect(url, dbname="postgres", connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        return str(error).strip().splitlines()[0]
    return "" if row and row[0] else "this user may not create databases"


def find_postgresql() -> tuple[str, str]:
    """Return (address, "") of a usable server, or ("", why there is none)."""
    reasons = []
    for url in candidates():
        reason = may_create_databases(url)
        if not reason:
            return url, ""
        reasons.append(reason)
    return "", "; ".join(reasons)


def pytest_run(database_url: str, *arguments: str) -> int:
    """Run pytest against one database, in view of whoever called; return its exit code."""
    settings = {"DATABASE_URL": database_url, "ENV_FILE": os.devnull, "DEBUG": "true"}
    command = [sys.executable, *QUIET, *arguments]
    return subprocess.run(command, env={**os.environ, **settings}, check=False).returncode  # noqa: S603


def run_half(name: str, database_url: str, arguments: list[str]) -> bool:
    """Run the whole suite on one database; return whether it passed."""
    say(f"Tests on {name}")
    together = pytest_run(database_url, *WORKERS, "-m", "not crash", *arguments)
    one_by_one = pytest_run(database_url, "-p", "no:xdist", "-m", "crash", *arguments)
    codes = {together, one_by_one}
    return 0 in codes and codes <= {0, NOTHING_COLLECTED}


def run_postgresql(arguments: list[str]) -> bool:
    """Run the PostgreSQL half where there is one; without one, pass unless CI requires it."""
    url, reason = find_postgresql()
    if url:
        return run_half("PostgreSQL", url, arguments)
    say(f"The PostgreSQL half was NOT run: {reason}")
    say(
        "Start a server on 127.0.0.1:5432, or name one: TEST_DATABASE_URL=postgres://user@host/name"
    )
    return os.environ.get("CI") != "true"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options, arguments = parser.parse_known_args()
    passed = True
    if options.only != "postgresql":
        passed = run_half("SQLite", "sqlite:///:memory:", arguments)
    if options.only != "sqlite":
        passed = run_postgresql(arguments) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

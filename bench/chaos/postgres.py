"""A PostgreSQL cluster of our own, made for one trial and thrown away: one may restart it as one likes.

PostgreSQL refuses to run as root, so root hands it to the system user `postgres`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

SYSTEM_USER = "postgres"
START_SECONDS = 60
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = on
synchronous_commit = on
max_connections = 60
"""


class Postgres:
    """One running cluster; its owner is `longhaul`, whom it trusts."""

    def __init__(self, folder: Path) -> None:
        self._binaries = find_binaries()
        self._data = folder / "postgres"
        self._log = folder / "postgres.log"
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"postgres://longhaul@127.0.0.1:{self.port}/longhaul"

    def create(self) -> None:
        """Make the cluster, start it, and make one empty database in it."""
        for path in (self._data, self._log):
            path.mkdir() if path == self._data else path.touch()
            if os.geteuid() == 0:
                shutil.chown(path, SYSTEM_USER)
        self._run("initdb", "-D", self._data, "-U", "longhaul", "-A", "trust", "-E", "UTF8")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")
        self.start()
        with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE longhaul")

    def start(self) -> None:
        self._control("start", "-l", self._log)

    def stop(self, mode: str = "fast") -> None:
        self._control("stop", "-m", mode)

    def restart(self, mode: str) -> None:
        """Restart as an upgrade does (`fast`), or as a power cut does (`immediate`: it recovers from its log)."""
        self._control("restart", "-m", mode, "-l", self._log)

    def _control(self, *arguments: object) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", START_SECONDS, *arguments)

    def _run(self, program: str, *arguments: object) -> None:
        as_owner = ["runuser", "-u", SYSTEM_USER, "--"] if os.geteuid() == 0 else []
        command = [*as_owner, str(self._binaries / program), *map(str, arguments)]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=START_SECONDS * 2
        )


@contextmanager
def throw_away_postgres(folder: Path) -> Iterator[Postgres]:
    """A fresh cluster for the length of a block."""
    postgres = Postgres(folder)
    try:
        postgres.create()
        yield postgres
    finally:
        postgres.stop("immediate")


def find_binaries() -> Path:
    """Return where PostgreSQL's programs lie: on the path, or where Debian puts them, the newest first."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if debian:
        return debian[-1].parent
    raise SystemExit(
        "PostgreSQL's initdb was not found. On Debian or Ubuntu: apt install postgresql"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

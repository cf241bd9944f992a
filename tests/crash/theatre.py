"""A fresh database, a real `manage.py worker` over it, and the means to kill its processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent


class Theatre:
    """One database of the vendor under test, and the processes over it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.ledger = folder / "ledger"
        self.ledger.touch()
        self.url = url
        self.environment = environment(self.url, folder, self.ledger)
        self.log = folder / "worker.log"

    # --- what stands in the database -------------------------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with raw_connection(self.url) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def start_run(self, workflow: str, **input: Any) -> None:
        self.start_runs(workflow, [input])

    def start_runs(self, workflow: str, inputs: list[dict[str, Any]]) -> None:
        code = (
            "from jobs.actions import start_run\n"
            f"for given in {inputs!r}: start_run({workflow!r}, input=given)"
        )
        self.manage("shell", "-v", "0", "-c", code)

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def statuses(self) -> dict[str, int]:
        """The stage's own runs by status; the product's cron runs live beside them."""
        return dict(
            self.rows(
                "SELECT status, count(*) FROM jobs_run WHERE workflow LIKE 'stage.%' GROUP BY status"
            )
        )

    def lines(self) -> list[str]:
        return self.ledger.read_text().splitlines()

    # --- processes -------------------------------------------------------------------------------------------------

    @contextmanager
    def worker(self, *, workers: int = 2) -> Iterator[subprocess.Popen[bytes]]:
        """A supervised cluster for the length of a block; stopped cleanly, or killed if that fails."""
        process = self.start_worker(workers=workers)
        try:
            yield process
        finally:
            stop(process)

    def start_worker(self, *, workers: int) -> subprocess.Popen[bytes]:
        """Start a supervised cluster; its words go to the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "worker", "--stop-seconds", "5"],
                cwd=ROOT,
                env={**self.environment, "WORKERS": str(workers)},
                stdout=log,
                stderr=log,
            )

    def wait_for(self, question: Callable[[], bool], *, seconds: float, what: str) -> float:
        """Wait until something holds; return how long it took. Fails with the worker's log."""
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            if question():
                return time.monotonic() - start
            time.sleep(0.1)
        raise AssertionError(
            f"not within {seconds} s: {what}; runs {self.statuses()}\n{self.log.read_text()[-5000:]}"
        )

    def wait_until_all(self, status: str, *, count: int, seconds: float) -> float:
        return self.wait_for(
            lambda: self.statuses() == {status: count},
            seconds=seconds,
            what=f"{count} runs {status}",
        )

    def drop(self) -> None:
        if self.url.startswith("postgres"):
            with maintenance() as cursor:
                name = self.url.rsplit("/", 1)[1]
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def environment(url: str, folder: Path, ledger: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.stage.settings",
        "DATABASE_URL": url,
        "VAR_DIR": str(folder / "var"),
        "STAGE_LEDGER": str(ledger),
        "PYTHONPATH": str(ROOT),
    }


def make_template(folder: Path) -> str | Path:
    """Migrate one database that every theatre copies; return its name or path."""
    name = f"longhaul_stage_{uuid.uuid4().hex[:12]}"
    if is_postgres():
        with maintenance() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
        url, template = postgres_url(name), name
    else:
        template = folder / "template.sqlite3"
        url = f"sqlite:///{template}"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v", "0"],
        cwd=ROOT,
        env=environment(url, folder, folder / "ledger"),
        check=True,
        timeout=600,
    )
    return template


def drop_template(template: str | Path) -> None:
    if isinstance(template, str):
        with maintenance() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')


def clone(template: str | Path, folder: Path) -> str:
    if isinstance(template, Path):
        copy = folder / "stage.sqlite3"
        shutil.copy(template, copy)
        return f"sqlite:///{copy}"
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    with maintenance() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return postgres_url(name)


def is_postgres() -> bool:
    return settings.DATABASES["default"]["ENGINE"].endswith("postgresql")


def postgres_url(name: str) -> str:
    database = settings.DATABASES["default"]
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    return f"postgres://{database['USER']}{password}@{database['HOST']}:{database['PORT'] or 5432}/{name}"


@contextmanager
def maintenance() -> Iterator[Any]:
    """A cursor that may create and drop databases."""
    with raw_connection(postgres_url("postgres")) as connection:
        yield connection.cursor()


@contextmanager
def raw_connection(url: str) -> Iterator[Any]:
    if url.startswith("postgres"):
        import psycopg

        connection: Any = psycopg.connect(url, autocommit=True)
    else:
        import sqlite3

        path = url.removeprefix("sqlite:///")
        connection = sqlite3.connect(path, timeout=20, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


# --- finding processes (Linux) ---------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def family(pid: int) -> list[int]:
    """Every descendant of a process, parents first."""
    found: list[int] = []
    for child in children(pid):
        found += [child, *family(child)]
    return found


def holds_queue_lock(pid: int) -> bool:
    """Tell whether a pool process reads the pool's pipe, which only the holder of its lock does."""
    try:
        return Path(f"/proc/{pid}/syscall").read_text().split()[0] == "0"
    except (FileNotFoundError, PermissionError, IndexError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end; kill it when it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)

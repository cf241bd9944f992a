"""The three engines, as the bench starts and asks them: ours, and each peer in a virtual environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.engine.scenarios import Figures
from bench.memory import pss_megabytes
from bench.theatre import PRODUCTION
from jobs.cluster import NICENESS
from tests.crash.theatre import ROOT, environment, stop

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = ROOT / ".venv-peers"
ASK_SECONDS = 300.0


@dataclass(frozen=True)
class Engine:
    """One engine's program; `module` has the verbs of `scenarios.serve_or_ask`."""

    name: str
    title: str
    module: str
    python: Path
    environment: dict[str, str] = field(default_factory=dict)

    def prepare(self, url: str) -> None:
        """Make the engine's tables in an empty database."""
        self.run(self.module, url, "prepare", url)

    def ask(self, url: str, scenario: str, count: int) -> Figures:
        figures: Figures = json.loads(self.run(self.module, url, "ask", url, scenario, str(count)))
        return figures

    @contextmanager
    def workers(self, url: str, *, count: int) -> Iterator[list[int]]:
        """So many worker processes for the length of a block, as polite about the processor as ours are."""
        with ExitStack() as stack:
            processes = [
                subprocess.Popen(
                    ["nice", "-n", str(NICENESS), self.python, "-m", self.module, "serve", url],
                    cwd=ROOT,
                    env=self.environment_of(url),
                )
                for _ in range(count)
            ]
            for process in processes:
                stack.callback(stop, process)
            yield [process.pid for process in processes]

    def environment_of(self, url: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}

    def run(self, module: str, url: str, *arguments: str) -> str:
        """Run a module over a database by this engine's Python; return what it printed."""
        done = subprocess.run(
            [self.python, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment_of(url),
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
        )
        if done.returncode:
            raise SystemExit(f"{self.title}: {arguments} failed\n{done.stdout}\n{done.stderr}")
        return done.stdout


class Ours(Engine):
    """Our workers are the real ones: `manage.py worker`, supervised, with WORKERS pool processes."""

    def environment_of(self, url: str) -> dict[str, str]:
        folder = Path(self.environment["VAR_DIR"])
        own = {**PRODUCTION, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.engine.settings"}
        return {**environment(url, folder, folder / "ledger"), **own}

    def prepare(self, url: str) -> None:
        self._manage(url, "migrate", "-v", "0").wait()

    @contextmanager
    def workers(self, url: str, *, count: int) -> Iterator[list[int]]:
        process = self._manage(url, "worker", "--stop-seconds", "5", WORKERS=str(count))
        try:
            yield [process.pid]
        finally:
            stop(process)

    def _manage(self, url: str, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        log = Path(self.environment["VAR_DIR"]) / "worker.log"
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env={**self.environment_of(url), **variables},
                stdout=file,
                stderr=file,
            )


def memory_of(pids: list[int]) -> float:
    return sum(pss_megabytes(pid) for pid in pids)


def all_engines(folder: Path) -> list[Engine]:
    """Return ours and the peers, ready to be asked; makes their environments where they are missing."""
    ours = Ours(
        "ours",
        "Longhaul",
        "bench.engine.ours",
        Path(sys.executable),
        {"VAR_DIR": str(folder)},
    )
    return [ours, peer("dbos", "DBOS"), peer("absurd", "Absurd")]


def peer(name: str, title: str) -> Engine:
    return Engine(name, title, f"bench.engine.peers.with_{name}", python_of(name))


def python_of(name: str) -> Path:
    """Return the Python of a peer's own virtual environment, made anew whenever its pinned versions change."""
    pins = PEERS / f"{name}.txt"
    mark = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    folder = ENVIRONMENTS / f"{name}-{mark}"
    python = folder / "bin" / "python"
    stamp = folder / ".made"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip: list[Any] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", pins], check=True)
        stamp.touch()
    return python

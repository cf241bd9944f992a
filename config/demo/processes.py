"""The demo's environment and its two servers: web and worker, over a database of the demo's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_FOLDER = ROOT / "var" / "demo"
FIRST_PORT = 8000
START_SECONDS = 30.0


def prepare_environment(folder: Path) -> str:
    """Point this process and its children at the demo's own database; return the web's address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        ENV_FILE=os.devnull,
        DEBUG="true",
        DATABASE_URL=f"sqlite:///{folder / 'demo.sqlite3'}",
        VAR_DIR=str(folder),
        PUBLIC_URL=url,
        HOST="127.0.0.1",
        PORT=str(port),
        WORKERS="2",
    )
    return url


def free_port() -> int:
    """Return the first port from 8000 on that nobody listens on."""
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise SystemExit(f"No port is free between {FIRST_PORT} and {FIRST_PORT + 99}.")


@contextmanager
def servers(url: str) -> Iterator[None]:
    """Web and worker for the length of a block; their words go to files in the demo's folder."""
    worker = [sys.executable, "manage.py", "worker", "--stop-seconds", "5"]
    web = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"]
    running = [launch("worker", worker), launch("web", [*web, "config.wsgi:application"])]
    try:
        wait_for_web(url, running[1])
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def launch(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    """Start one server, apart from the terminal's Ctrl-C, which this process hears for all."""
    with log_of(name).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )


def log_of(name: str) -> Path:
    return Path(os.environ["VAR_DIR"]) / f"{name}.log"


def wait_for_web(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return once the web server answers; end the demo with its log when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 - our own address
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"The web server did not start. It said:\n{log_of('web').read_text()}")

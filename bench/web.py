"""The web server of a benchmark, and how long its pages take."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.crash.theatre import ROOT, Theatre

REQUESTS = 30
START_SECONDS = 120.0


@dataclass(frozen=True)
class Visitor:
    """Somebody with a session and a key, and the pages they look at."""

    url: str
    session: str
    token: str
    pages: dict[str, str]

    def seconds(self, path: str) -> float:
        """Return how long one page takes; anything but 200 ends the benchmark."""
        headers = {"Cookie": f"sessionid={self.session}", "Authorization": f"Bearer {self.token}"}
        if not path.startswith("/api/"):
            del headers["Authorization"]
        start = time.perf_counter()
        with urlopen(Request(self.url + path, headers=headers), timeout=60) as answer:
            answer.read()
            if answer.status != 200 or "/login/" in answer.url:
                raise SystemExit(f"{path} answered {answer.status} at {answer.url}")
        return time.perf_counter() - start

    def p95(self) -> dict[str, float]:
        """Return the 95th percentile of each page, asked for in turn."""
        times: dict[str, list[float]] = {name: [] for name in self.pages}
        for _ in range(REQUESTS):
            for name, path in self.pages.items():
                times[name].append(self.seconds(path))
        return {name: quantiles(taken, n=20)[18] for name, taken in times.items()}


@contextmanager
def web_server(theatre: Theatre, *, port: int) -> Iterator[str]:
    """The product's own web server over a theatre's database, with production's settings."""
    theatre.manage("collectstatic", "--noinput", "-v", "0")
    environment = {**theatre.environment, "HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "deploy/gunicorn.conf.py",
            "--log-level",
            "error",
        ]
        + ["config.wsgi:application"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urlopen(f"{url}/healthz", timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise SystemExit("The web server did not start.")


def visitor_of(theatre: Theatre, url: str) -> Visitor:
    return Visitor(url, **json.loads(theatre.manage("stage_visitor")))

"""Sends a campaign to everybody on a list, through a server that behaves like Resend, and takes the time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.bars import say
from bench.chaos.postgres import free_port
from bench.memory import pss_megabytes
from tests.crash.theatre import ROOT, Theatre

PATIENCE_SECONDS = 600.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Sending:
    """One campaign: seconds from launch to `sent`, and the worker's memory at both ends."""

    seconds: float
    memory_before: float
    memory_after: float

    @property
    def growth(self) -> float:
        return self.memory_after - self.memory_before


@contextmanager
def resend_server() -> Iterator[str]:
    """A server that behaves like Resend, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "tests.fakes.resend_server", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def launch(theatre: Theatre, people: str) -> None:
    campaign = theatre.manage("stage_campaign", "--list", people, "--provider", "resend").strip()
    theatre.manage("send_campaign", campaign)


def is_sending(theatre: Theatre) -> bool:
    rows = theatre.rows("SELECT count(*) FROM campaigns_campaign WHERE status = 'sending'")
    return rows != [(0,)]


def measure_sending(theatre: Theatre, worker: int, people: str, *, count: int) -> Sending:
    """Send a campaign to so many; the clock runs from its launch to its end. Ends the benchmark if one is not sent."""
    before = pss_megabytes(worker)
    launch(theatre, people)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_sending(theatre):
        if time.monotonic() > deadline:
            raise SystemExit(f"A campaign did not end.\n{theatre.log.read_text()[-3000:]}")
        time.sleep(LOOK_SECONDS)
    after = pss_megabytes(worker)
    outcome = json.loads(theatre.manage("stage_outcome"))
    if outcome["sent"] != count:
        raise SystemExit(f"{outcome['sent']} of {count} were sent.")
    sending = Sending(float(outcome["seconds"]), before, after)
    say(f"  {count:,} sent in {sending.seconds:.1f} s, {sending.growth:+.0f} MB")
    return sending

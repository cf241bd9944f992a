"""Whether our engine stays as quick as it grows: claims among few and many runs, and timers among 100,000 sleepers.

Claims are asked for in a small and in a large database in turn; each has its own process, and crowds of runs are
made by bench/engine/crowd.py.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from bench.bars import say
from bench.engine.engines import Ours
from bench.engine.rows import figures_of
from tests.crash.theatre import ROOT

FEW_READY, MANY_READY = 100, 100_000
FEW_OVER, MANY_OVER = 1_000, 1_000_000
ASLEEP = 100_000
SLEEPERS = 200
TURNS = 40


@dataclass(frozen=True)
class Growth:
    """Milliseconds of a claim, by what else is in the table; and how late sleepers wake among many asleep, at p95."""

    share: float
    base_ms: float
    many_ready_ms: float
    many_over_ms: float
    late_ms: float

    @property
    def ready(self) -> float:
        return self.many_ready_ms / self.base_ms

    @property
    def over(self) -> float:
        return self.many_over_ms / self.base_ms


class Claimer:
    """A process that claims when it is told to."""

    def __init__(self, ours: Ours, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.engine.crowd", "claim"],
            cwd=ROOT,
            env=ours.environment_of(url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def claim(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def fill(ours: Ours, url: str, **crowds: int) -> None:
    for status, count in crowds.items():
        ours.run("bench.engine.crowd", url, "fill", status, str(count))


def claim_times(ours: Ours, urls: list[str]) -> list[float]:
    """Return the median milliseconds of a claim in each database, asked in turn."""
    claimers = [Claimer(ours, url) for url in urls]
    for claimer in claimers:
        claimer.claim()  # warm
    turns = [[claimer.claim() for claimer in claimers] for _ in range(TURNS)]
    for claimer in claimers:
        claimer.close()
    return [median(times) for times in zip(*turns, strict=True)]


def measure(ours: Ours, urls: list[str], *, share: float) -> Growth:
    """Measure in four fresh databases of ours."""
    base, ready, over, asleep = urls
    fill(ours, base, completed=FEW_OVER, ready=FEW_READY)
    fill(ours, ready, completed=FEW_OVER, ready=round(MANY_READY * share))
    fill(ours, over, completed=round(MANY_OVER * share), ready=FEW_READY)
    times = claim_times(ours, [base, ready, over])
    fill(ours, asleep, waiting=round(ASLEEP * share))
    return Growth(share, *times, late_ms=lateness(ours, asleep))


def lateness(ours: Ours, url: str) -> float:
    with ours.workers(url, count=2):
        ours.ask(url, "runs", 30)
        answer = ours.ask(url, "sleeps", SLEEPERS)
    return figures_of("sleeps", answer, count=SLEEPERS)["sleeps p95"]


def tell(growth: Growth) -> None:
    say(f"\na claim among {FEW_READY:,} ready and {FEW_OVER:,} over: {growth.base_ms:.2f} ms")
    ready, over, asleep = (round(many * growth.share) for many in (MANY_READY, MANY_OVER, ASLEEP))
    say(f"  among {ready:,} ready: {growth.many_ready_ms:.2f} ms, {growth.ready:.2f} times")
    say(f"  among {over:,} over: {growth.many_over_ms:.2f} ms, {growth.over:.2f} times")
    say(f"{SLEEPERS} sleepers among {asleep:,} wake {growth.late_ms:.1f} ms late at p95")

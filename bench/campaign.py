"""`make bench-campaign`: 36,000 messages, beside the floor of the same machine in the same run.

The floor (bench/floor.py) and our time are taken in turn, so that a drifting machine drifts for both; medians are
compared. Exits with 1 when a bar is missed, and ends with one line of figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from bench.bars import Bar, at_most, judge, say
from bench.sending import Sending, measure_sending, resend_server
from bench.theatre import fresh_theatre
from tests.crash.theatre import ROOT, Theatre

PEOPLE = 36_000
LANES = 4
ROUNDS = 3
SLOW_SECONDS = 0.150
TIMES_FLOOR = 2.5
#: At 150 ms: what four lanes wait for 360 calls, and as much work as makes 25 s in all where the floor is 6 s.
WAITING_SECONDS = PEOPLE / 100 * SLOW_SECONDS / LANES
SLOW_TIMES_FLOOR = (25.0 - WAITING_SECONDS) / 6.0
MEMORY_BAR_MEGABYTES = 50.0


@dataclass
class Results:
    """Everything measured on one database."""

    floors: list[dict[str, float]] = field(default_factory=list)
    fast: list[Sending] = field(default_factory=list)
    slow: list[Sending] = field(default_factory=list)

    @property
    def floor(self) -> dict[str, float]:
        return {part: median(f[part] for f in self.floors) for part in self.floors[0]}

    @property
    def growth(self) -> float:
        """The worker's growth in memory from start to end of a campaign, at its worst."""
        return max(sending.growth for sending in [*self.fast, *self.slow])


def misbehave(server: str, **faults: Any) -> None:
    request = Request(f"{server}/_control/faults", data=json.dumps(faults).encode())
    urlopen(request, timeout=10).close()


def measure_floor(theatre: Theatre, people: str, *, server: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.floor", people, "--server", server],
        cwd=ROOT,
        env=theatre.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    parts: dict[str, float] = json.loads(done.stdout)
    return parts


def measure(theatre: Theatre, *, rounds: int) -> Results:
    """Take floor and sending in turn, then the slow provider."""
    results = Results()
    with resend_server() as server:
        theatre.environment |= {"RESEND_API_KEY": "re_test", "RESEND_API_URL": server}
        people = theatre.manage("stage_list", str(PEOPLE)).strip()
        with theatre.worker(workers=LANES) as worker:
            measure_sending(
                theatre, worker.pid, people, count=PEOPLE
            )  # warm: imports, plans, caches
            for _ in range(rounds):
                results.floors.append(measure_floor(theatre, people, server=server))
                results.fast.append(measure_sending(theatre, worker.pid, people, count=PEOPLE))
            misbehave(server, slow_seconds=SLOW_SECONDS)
            results.slow.append(measure_sending(theatre, worker.pid, people, count=PEOPLE))
    return results


def tell(name: str, results: Results) -> float:
    """Print the table of one database; return our time at 0 ms as a multiple of the floor."""
    floor = results.floor
    bottom = sum(floor.values())
    ours = median(sending.seconds for sending in results.fast)
    say(f"\n{name}: {PEOPLE:,} messages")
    say(f"  {'part of the floor':<34}{'seconds':>9}{'of ours':>9}")
    titles = {
        "insert": "INSERT … SELECT of the messages",
        "settle": "UPDATE … FROM VALUES per 100",
        "render": "python-liquid rendering",
        "calls": "the bare SDK's calls of 100",
    }
    for part, title in titles.items():
        say(f"  {title:<34}{floor[part]:>9.2f}{floor[part] / ours:>9.0%}")
    say(f"  {'the floor':<34}{bottom:>9.2f}{bottom / ours:>9.0%}")
    say(f"  {'ours, provider at 0 ms':<34}{ours:>9.2f}   {ours / bottom:.2f} times the floor")
    say(f"  {'ours, provider at 150 ms':<34}{results.slow[0].seconds:>9.2f}")
    sizes = ", ".join(
        f"{sending.memory_before:.0f} → {sending.memory_after:.0f}"
        for sending in [*results.fast, *results.slow]
    )
    say(f"  {'memory of each (MB PSS)':<34}{sizes}")
    return ours / bottom


def bars_of(ratio: float, results: Results) -> list[Bar]:
    slow = results.slow[0].seconds
    slow_bar = WAITING_SECONDS + SLOW_TIMES_FLOOR * sum(results.floor.values())
    return [
        at_most(ratio, TIMES_FLOOR, f"{ratio:.2f} times the floor"),
        at_most(slow, round(slow_bar, 1), f"{slow:.1f} s at 150 ms with this floor"),
        at_most(results.growth, MEMORY_BAR_MEGABYTES, f"{results.growth:.0f} MB growth"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--skip-sqlite", action="store_true")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_theatre(Path(folder), "postgresql") as theatre,
    ):
        results = measure(theatre, rounds=options.rounds)
    ratio = tell("PostgreSQL", results)
    lite = ""
    if not options.skip_sqlite:
        with (
            tempfile.TemporaryDirectory() as folder,
            fresh_theatre(Path(folder), "sqlite") as theatre,
        ):
            lite = f", SQLite {tell('SQLite', measure(theatre, rounds=1)):.2f}"
    ours = median(sending.seconds for sending in results.fast)
    return judge(
        bars_of(ratio, results),
        line=f"bench-campaign: {ours:.1f} s at 0 ms = {ratio:.2f} x floor{lite}; "
        f"{results.slow[0].seconds:.1f} s at 150 ms; {results.growth:+.0f} MB",
    )


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-engine`: our engine beside DBOS Transact and Absurd, on one PostgreSQL server, in the same run.

Each engine has a database of its own on a server that the bench makes and throws away (default settings, fsync on);
every session starts from a fresh copy. Rounds go over all engines in turn, in another order each time, so that a
drifting machine drifts for all; medians of the rounds are compared. There are five, or as many as fit into 12 minutes.

What is held equal: one process per worker (ours: one pool process), the same niceness, the same steps that return
their argument, the same clock, runs started one by one through each engine's own client within one transaction. A rate
of runs counts from that commit to the end of the last run. How each peer is configured, and why, stands in its program,
bench/engine/peers/.

Exits with 1 when a bar is missed, and ends with one line of figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import psycopg

from bench.bars import at_most, judge, say
from bench.chaos.postgres import Postgres, throw_away_postgres
from bench.engine import claims
from bench.engine.engines import Engine, Ours, all_engines, memory_of
from bench.engine.rows import OURS, ROWS, Results, Row, figures_of

ROUNDS = 5
#: The whole must end within this; on a slow machine that means fewer rounds.
MOST_SECONDS = 12 * 60.0
GROWTH_SECONDS = 90.0
COUNTS = {
    "runs": 1000,
    "fan_out": 1000,
    "steps": 1000,
    "transactions": 1000,
    "starts": 50,
    "sleeps": 200,
}
#: By number of workers.
SESSIONS = {
    1: ["runs", "fan_out", "steps", "transactions", "starts"],
    2: ["runs", "fan_out", "sleeps"],
}
NOT_OFFERED = {("absurd", "transactions")}
WARMING_RUNS = 30
START_BAR_MS = 20.0
ASLEEP_BAR_MS = 50.0
CLAIM_BAR = 1.2


class Bench:
    """Sessions of each engine on one server."""

    def __init__(self, postgres: Postgres, engines: list[Engine], *, share: float) -> None:
        self._address = postgres.url.rsplit("/", 1)[0]
        self._engines = engines
        self._share = share
        self.results = Results()
        #: How long the same piece of work took, again and again: how noisy the machine was.
        self.loops: list[float] = []

    def prepare(self) -> None:
        """Make each engine's template."""
        for engine in self._engines:
            self._execute(f"CREATE DATABASE {engine.name}")
            engine.prepare(f"{self._address}/{engine.name}")
            self._execute(
                "CREATE TABLE bench_effect (id bigserial PRIMARY KEY, number integer NOT NULL)",
                database=engine.name,
            )

    def round(self, number: int) -> None:
        first = number % len(self._engines)
        for workers, scenarios in SESSIONS.items():
            for engine in [*self._engines[first:], *self._engines[:first]]:
                self._session(engine, workers, scenarios)

    def _session(self, engine: Engine, workers: int, scenarios: list[str]) -> None:
        self.loops.append(seconds_of_a_loop())
        with self._fresh_copy(engine) as url, engine.workers(url, count=workers) as pids:
            engine.ask(url, "runs", WARMING_RUNS)
            for scenario in scenarios:
                if (engine.name, scenario) in NOT_OFFERED:
                    continue
                count = round(COUNTS[scenario] * self._share)
                began = time.monotonic()
                figures = figures_of(scenario, engine.ask(url, scenario, count), count=count)
                self.results.add(engine.name, figures, workers=workers)
                told = ", ".join(f"{name} {shown(figure)}" for name, figure in figures.items())
                took = time.monotonic() - began
                say(f"  {engine.title}, {workers} worker(s): {told} ({took:.0f} s)")
            self.results.add(engine.name, {"memory": memory_of(pids)}, workers=workers)

    def growth(self) -> claims.Growth:
        """What our engine does in large tables."""
        ours = next(engine for engine in self._engines if isinstance(engine, Ours))
        with ExitStack() as stack:
            names = ["base", "ready", "over", "asleep"]
            urls = [stack.enter_context(self._fresh_copy(ours, name)) for name in names]
            return claims.measure(ours, urls, share=self._share)

    @contextmanager
    def _fresh_copy(self, engine: Engine, name: str = "session") -> Iterator[str]:
        """A database with the engine's empty tables, for the length of a block."""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE {engine.name}')
        try:
            yield f"{self._address}/{name}"
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, sql: str, *, database: str = "postgres") -> None:
        with psycopg.connect(f"{self._address}/{database}", autocommit=True) as connection:
            connection.execute(sql)


def seconds_of_a_loop() -> float:
    started = time.perf_counter()
    sum(number * number for number in range(500_000))
    return time.perf_counter() - started


def tell(results: Results, engines: list[Engine]) -> None:
    """Print the table: medians, how much better ours is than the better peer, and how far ours was spread."""
    head = "".join(f"{engine.title:>10}" for engine in engines)
    say(f"\n{'medians':<38}{head}  {'unit':<11}{'ours x':>7}{'spread':>8}")
    for row in ROWS:
        figures = "".join(f"{shown(results.median(engine.name, row)):>10}" for engine in engines)
        times = results.times(row)
        better = f"{times:.2f}" if times is not None else "–"
        say(f"{row.title:<38}{figures}  {row.unit:<11}{better:>7}{spread_of(results, row):>8}")


def shown(figure: float | None) -> str:
    if figure is None:
        return "–"
    return f"{figure:,.1f}" if figure < 100 else f"{figure:,.0f}"


def spread_of(results: Results, row: Row) -> str:
    return f"{results.spread(OURS, row):.2f}" if results.median(OURS, row) is not None else "–"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--share", type=float, default=1.0, help="of every count, for a quick look")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        engines = all_engines(folder)
        with throw_away_postgres(folder) as postgres:
            bench = Bench(postgres, engines, share=given.share)
            bench.prepare()
            for number in range(given.rounds):
                bench.round(number)
                seconds = time.monotonic() - began
                say(f"round {number + 1} of {given.rounds}: {seconds:.0f} s")
                if seconds * (number + 2) / (number + 1) > MOST_SECONDS - GROWTH_SECONDS:
                    break
            growth = bench.growth()
    results = bench.results
    tell(results, engines)
    claims.tell(growth)
    least, middle, most = min(bench.loops), median(bench.loops), max(bench.loops)
    say(f"\nthe same loop took {least:.3f} to {most:.3f} s (median {middle:.3f}): the noise")
    start = results.median(OURS, next(row for row in ROWS if row.key == "starts p95 1")) or 0.0
    bars = [
        *results.bars(),
        at_most(start, START_BAR_MS, f"{start:.1f} ms to the first step at p95"),
        at_most(growth.late_ms, ASLEEP_BAR_MS, f"{growth.late_ms:.1f} ms late with 100,000 asleep"),
        at_most(growth.ready, CLAIM_BAR, f"{growth.ready:.2f} of the time to claim, 100,000 ready"),
        at_most(growth.over, CLAIM_BAR, f"{growth.over:.2f} of the time to claim, 1,000,000 over"),
    ]
    return judge(bars, line=line_of(results, growth, seconds=time.monotonic() - began))


def line_of(results: Results, growth: claims.Growth, *, seconds: float) -> str:
    rows = {row.key: row for row in ROWS}

    def figure(key: str) -> str:
        times = results.times(rows[key])
        return f"{shown(results.median(OURS, rows[key]))} ({times:.1f}x)" if times else "–"

    return (
        f"bench-engine: {figure('steps 1')} steps/s, {figure('runs 1')} and {figure('runs 2')} runs/s,"
        f" {figure('fan_out 2')} children/s; start p95 {figure('starts p95 1')} ms,"
        f" timers {growth.late_ms:.1f} ms late; claim x{growth.ready:.2f} and x{growth.over:.2f};"
        f" {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-tenders`: 10,000 real-shaped releases fetched from loopback, merged and stored, beside the floor.

Floor and sync are taken in turn, each into empty tables, so that a drifting machine drifts for both; medians are
compared. Then the list is filled up to 200,000 tenders, and the API answers filtered searches. Exits with 1 when a bar
is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.bars import at_most, judge, say
from bench.chaos.postgres import free_port
from bench.imports import Memory, run_json
from bench.tender_board import DATA
from bench.theatre import Theatre, fresh_theatre
from bench.web import Visitor, web_server
from tests.crash.theatre import ROOT

RELEASES = 10_000
ROUNDS = 3
LISTED = 200_000
TIMES_FLOOR = 2.5
SEARCH_SECONDS = 0.300
FLAT_MEGABYTES = 20.0
PARTS = {"merge": "ocdsmerge", "releases": "COPY of releases", "tenders": "COPY of tenders"}
SEARCHES = {
    "words and phase": "all=road%20maintenance&phase=tender",
    "a phrase and a CPV branch": "exact=the%20council&cpv=45",
    "any of, none of, category": "any=school*%20hospital*&none=cleaning&category=services",
    "a frequent word": "all=services",
    "a rare word and a value": "all=w1234&least_value=100",
    "buyer and open": "buyer=council&open=true&cpv=90",
}
MAKE = (
    "import json\nfrom datetime import timedelta\nfrom core import clock\n"
    "from tenders.actions import create_source\n"
    "row = json.loads({row!r})\n"
    "create_source(actor='bench', start=clock.now() - timedelta(hours=5), **row)"
)
#: Rows for the list: the stored ones over and over, each with words of its own, and no compiled release to speak of.
FILL = """
INSERT INTO tenders_tender (id, source_id, ocid, compiled, digest, release_count, number, title, description,
  buyer, status, phase, method, category, detailed_category, region, value, currency, codes, document_count,
  published_at, closes_at, released_at, words, enrichment, enrich_attempts, first_seen_at, changed_at)
SELECT gen_random_uuid(), source_id, ocid || '-' || n, '{{}}', digest, 1, number, title, description,
  buyer, status, phase, method, category, detailed_category, region, value, currency, codes, document_count,
  published_at - n * interval '3 hours', closes_at, released_at, words || 'w' || (n * 7919 % 5000) || ' ',
  enrichment, 0, first_seen_at, changed_at
FROM tenders_tender, generate_series(1, {times}) AS n LIMIT {missing}
"""


@dataclass
class Sync:
    """One sync: seconds from its start to its end, and its worker's memory over time."""

    seconds: float
    memory: list[float]

    @property
    def growth(self) -> float:
        """How much more the second half took than the first."""
        half = len(self.memory) // 2
        return max(self.memory[half:]) - max(self.memory[: half or 1])


@dataclass
class Results:
    """Everything measured on one database."""

    floors: list[dict[str, float]] = field(default_factory=list)
    syncs: list[Sync] = field(default_factory=list)
    searches: dict[str, float] = field(default_factory=dict)

    @property
    def floor(self) -> dict[str, float]:
        return {part: median(each[part] for each in self.floors) for part in PARTS}

    @property
    def seconds(self) -> float:
        return median(each.seconds for each in self.syncs)

    @property
    def ratio(self) -> float:
        return self.seconds / sum(self.floor.values())


@contextmanager
def board(theatre: Theatre) -> Iterator[str]:
    """The server of releases, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.tender_board", str(RELEASES)],
        cwd=ROOT,
        env=theatre.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def measure(theatre: Theatre, *, rounds: int) -> Results:
    results = Results()
    theatre.environment["TENDER_PRIVATE_HOSTS"] = "127.0.0.1"
    with board(theatre) as url, theatre.worker(workers=1) as worker:
        sync(theatre, worker.pid, url)  # warm: imports, plans, caches
        for number in range(1, rounds + 1):
            forget(theatre)
            results.floors.append(run_json(theatre, "bench.tender_floor", str(RELEASES)))
            say(f"  round {number} of {rounds}: floor {sum(results.floors[-1].values()):.2f} s")
            forget(theatre)
            results.syncs.append(sync(theatre, worker.pid, url))
            say(f"  round {number} of {rounds}: ours {results.syncs[-1].seconds:.2f} s")
    return results


def sync(theatre: Theatre, worker: int, url: str) -> Sync:
    """Sync a new source; the clock runs from the run's row to its end, as the database has them."""
    [row] = [
        r
        for r in json.loads((ROOT / "tenders/shipped/sources.json").read_text())
        if r["key"] == "uk_find_a_tender"
    ]
    row |= {"url": f"{url}/releases", "item_url": "", "interval_seconds": 0.001}
    theatre.manage("shell", "-v", "0", "-c", MAKE.format(row=json.dumps(row)))
    memory = Memory(worker)
    memory.start()
    theatre.manage("sync_tenders", "--source", "uk_find_a_tender", "--wait")
    memory.ended.set()
    memory.join()
    [(seconds,)] = theatre.rows(
        f"SELECT {duration(theatre)} FROM jobs_run WHERE workflow = 'tenders.sync' ORDER BY id DESC LIMIT 1"
    )
    [(releases,)] = theatre.rows("SELECT count(*) FROM tenders_ocdsrelease")
    [(processes, counted)] = theatre.rows("SELECT count(*), sum(release_count) FROM tenders_tender")
    if (releases, processes, counted) != (RELEASES, RELEASES * 3 // 4, RELEASES):
        raise SystemExit(
            f"Stored are {releases:,} releases of {processes:,} processes, in {counted:,}."
        )
    return Sync(float(seconds), memory.seen or [0.0])


def postgres(theatre: Theatre) -> bool:
    return theatre.url.startswith("postgres")


def duration(theatre: Theatre) -> str:
    if postgres(theatre):
        return "extract(epoch from finished_at - created_at)"
    return "(julianday(finished_at) - julianday(created_at)) * 86400"


def forget(theatre: Theatre) -> None:
    """Empty the tables that a sync fills."""
    for table in (
        "tenderevent",
        "tendernote",
        "tender",
        "ocdsrelease",
        "sourcepage",
        "syncwindow",
        "tendersource",
    ):
        theatre.rows(f"DELETE FROM tenders_{table}")
    theatre.rows("VACUUM")


def search(theatre: Theatre) -> dict[str, float]:
    """Fill the list up, and return the 95th percentile of each search as the API answers it."""
    [(count,)] = theatre.rows("SELECT count(*) FROM tenders_tender")
    missing = LISTED - count
    theatre.rows(FILL.format(times=missing // count + 1, missing=missing))
    theatre.rows("VACUUM ANALYZE tenders_tender")
    [(count,)] = theatre.rows("SELECT count(*) FROM tenders_tender")
    say(f"  the list holds {count:,} tenders")
    key = theatre.manage("api_key", "create", "bench", "--scope", "tenders:read")
    token = next(word for word in key.split() if word.startswith("key_"))
    pages = {name: f"/api/v1/tenders?{query}" for name, query in SEARCHES.items()}
    with web_server(theatre, port=free_port()) as url:
        visitor = Visitor(url, "", token, pages)
        visitor.p95()  # warm
        return visitor.p95()


def tell(name: str, results: Results) -> None:
    floor, ours = results.floor, results.seconds
    bottom = sum(floor.values())
    say(f"\n{name}: {RELEASES:,} releases of {RELEASES * 3 // 4:,} processes")
    say(f"  {'part of the floor':<40}{'seconds':>9}{'of ours':>9}")
    for part, title in PARTS.items():
        say(f"  {title:<40}{floor[part]:>9.2f}{floor[part] / ours:>9.0%}")
    say(f"  {'the floor':<40}{bottom:>9.2f}{bottom / ours:>9.0%}")
    say(
        f"  {'ours':<40}{ours:>9.2f}   {ours / bottom:.2f} times the floor, {RELEASES / ours:,.0f} releases/s"
    )
    peaks = ", ".join(f"{max(each.memory):.0f} ({each.growth:+.0f})" for each in results.syncs)
    say(f"  {'memory of the worker (MB PSS)':<40}{peaks}")
    for title, seconds in results.searches.items():
        say(f"  {title:<40}{seconds * 1000:>6.0f} ms")


def on(vendor: str, *, rounds: int) -> Results:
    with tempfile.TemporaryDirectory() as folder, fresh_theatre(Path(folder), vendor) as theatre:
        results = measure(theatre, rounds=rounds)
        if vendor == "postgresql":
            results.searches = search(theatre)
        return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--skip-sqlite", action="store_true")
    options = parser.parse_args()
    if not DATA.exists():
        raise SystemExit(f"The benchmark needs {DATA}.")
    results = on("postgresql", rounds=options.rounds)
    tell("PostgreSQL", results)
    lite = ""
    if not options.skip_sqlite:
        other = on("sqlite", rounds=1)
        tell("SQLite", other)
        lite = f", SQLite {other.ratio:.2f}"
    slowest = max(results.searches.values())
    growth = max(each.growth for each in results.syncs)
    bars = [
        at_most(results.ratio, TIMES_FLOOR, f"{results.ratio:.2f} times the floor"),
        at_most(growth, FLAT_MEGABYTES, f"{growth:+.0f} MB from half to half"),
        at_most(slowest, SEARCH_SECONDS, f"{slowest:.3f} s for a search"),
    ]
    return judge(
        bars,
        line=f"bench-tenders: {results.seconds:.1f} s = {results.ratio:.2f} x floor{lite};"
        f" {RELEASES / results.seconds:,.0f} releases/s; search p95 {slowest * 1000:.0f} ms",
    )


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-import`: 120,000 contacts, beside the floor of the same machine and django-import-export in the same run.

The file is ../shared/data/csv's: dirty as people's files are. Floor and import are taken in turn, so that a drifting
machine drifts for both; medians are compared. The same file is then imported a second time and must write nothing,
and uploaded to a real web server, which must answer at once. Exits with 1 when a bar is missed, and ends with one
line of figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.chaos.postgres import free_port
from bench.memory import biggest_megabytes
from bench.theatre import Theatre, fresh_theatre
from bench.uploads import seconds_to_answer
from bench.web import web_server

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT.parent / "shared/data/csv/generated/contacts_120k_utf8bom.csv.gz"
ROWS = 120_000
ROUNDS = 3
TIMES_FLOOR = 2.5
TIMES_PEER = 5.0
MEMORY_MEGABYTES = 200.0
FLAT_MEGABYTES = 20.0
ANSWER_SECONDS = 0.300
MAX_BYTES = 512 * 1024 * 1024
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 600.0
PARTS = {
    "read": "csv.reader and SHA-256",
    "validate": "email-validator, phonenumbers",
    "copy": "COPY, INSERT … ON CONFLICT",
}
COUNTS = "processed, created, updated, unchanged, skipped, failed"


@dataclass
class Import:
    """One import: seconds from the command's acceptance to its end, its counts, its worker's memory over time."""

    seconds: float
    counts: dict[str, int]
    memory: list[float]

    @property
    def peak(self) -> float:
        return max(self.memory)

    @property
    def growth(self) -> float:
        """How much more the second half of the import took than the first."""
        half = len(self.memory) // 2
        return max(self.memory[half:]) - max(self.memory[: half or 1])


@dataclass
class Results:
    """Everything measured on one database."""

    floors: list[dict[str, float]] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    again: Import | None = None
    peer: dict[str, float] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)

    @property
    def floor(self) -> dict[str, float]:
        return {part: median(each[part] for each in self.floors) for part in PARTS}

    @property
    def seconds(self) -> float:
        return median(each.seconds for each in self.imports)


class Memory(threading.Thread):
    """Looks at the memory of the biggest worker process, as long as it runs."""

    def __init__(self, worker: int) -> None:
        super().__init__(daemon=True)
        self.worker = worker
        self.seen: list[float] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(LOOK_SECONDS):
            self.seen.append(biggest_megabytes(self.worker))


def measure(theatre: Theatre, file: Path, *, rounds: int, peer_rows: int) -> Results:
    """Take floor and import in turn, each into empty tables; then the same again, the peer, the upload."""
    results = Results()
    with theatre.worker(workers=1) as worker:
        import_file(theatre, worker.pid, file)  # warm: imports, plans, caches
        for _ in range(rounds):
            forget(theatre)
            results.floors.append(run_json(theatre, "bench.import_floor", str(file)))
            results.imports.append(import_file(theatre, worker.pid, file))
        before = versions(theatre)
        results.again = import_file(theatre, worker.pid, file)
        if versions(theatre) != before:
            raise SystemExit("The second import of the same file wrote contacts.")
    forget(theatre)
    if peer_rows:
        results.peer = run_json(theatre, "bench.import_peer", str(file), str(peer_rows))
    results.answers = upload(theatre, file)
    return results


def import_file(theatre: Theatre, worker: int, file: Path) -> Import:
    """Import the file by the command; the clock runs from the batch's row to its end, as the database has them."""
    memory = Memory(worker)
    memory.start()
    theatre.manage("import_file", str(file), "--target", "contacts", "--wait")
    memory.ended.set()
    memory.join()
    [(seconds, *counts)] = theatre.rows(
        f"SELECT {duration(theatre)}, {COUNTS} FROM csv_batches ORDER BY id DESC LIMIT 1"
    )
    named = dict(zip(COUNTS.split(", "), counts, strict=True))
    if named["processed"] != ROWS or sum(counts[1:]) != ROWS:
        raise SystemExit(f"The counts do not add up to {ROWS:,}: {named}")
    return Import(float(seconds), named, memory.seen or [0.0])


def duration(theatre: Theatre) -> str:
    if theatre.url.startswith("postgres"):
        return "extract(epoch from finished_at - created_at)"
    return "(julianday(finished_at) - julianday(created_at)) * 86400"


def versions(theatre: Theatre) -> list[tuple[Any, ...]]:
    """Return what changes with any write to a contact, however small."""
    if theatre.url.startswith("postgres"):
        return theatre.rows(
            "SELECT count(*), sum(xmin::text::bigint), max(updated_at) FROM messaging_contact"
        )
    return theatre.rows(
        "SELECT count(*), sum(julianday(updated_at)), max(updated_at) FROM messaging_contact"
    )


def forget(theatre: Theatre) -> None:
    """Empty the tables that an import fills."""
    for table in ("messaging_listmember", "messaging_consentevent", "messaging_consent"):
        theatre.rows(f"DELETE FROM {table}")
    for table in ("csv_rows", "csv_batches", "messaging_contact"):
        theatre.rows(f"DELETE FROM {table}")
    theatre.rows("VACUUM")


def run_json(theatre: Theatre, module: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=theatre.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{done.stderr[-3000:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def upload(theatre: Theatre, file: Path) -> list[float]:
    """Return how long the API takes to answer after the last byte: of the file, several times, and of the largest."""
    largest = swollen(file)
    key = theatre.manage("api_key", "create", "bench", "--scope", "imports:write")
    token = next(word for word in key.split() if word.startswith("key_"))
    with web_server(theatre, port=free_port()) as url:
        return [seconds_to_answer(url, each, token=token) for each in [file] * 5 + [largest] * 2]


def swollen(file: Path) -> Path:
    """Return a file beside this one that holds it again and again, just below the most that may be uploaded."""
    content = file.read_bytes()
    largest = file.with_name("largest.csv")
    with largest.open("wb") as out:
        for _ in range(MAX_BYTES // len(content)):
            out.write(content)
    return largest


def tell(name: str, results: Results) -> tuple[float, float]:
    """Print the table of one database; return our time as a multiple of the floor, and our speed of the peer's."""
    floor, ours = results.floor, results.seconds
    bottom = sum(floor.values())
    rate = ROWS / ours
    assert results.again is not None
    say(f"\n{name}: {ROWS:,} rows")
    say(f"  {'part of the floor':<40}{'seconds':>9}{'of ours':>9}")
    for part, title in PARTS.items():
        say(f"  {title:<40}{floor[part]:>9.2f}{floor[part] / ours:>9.0%}")
    say(f"  {'the floor':<40}{bottom:>9.2f}{bottom / ours:>9.0%}")
    say(f"  {'ours':<40}{ours:>9.2f}   {ours / bottom:.2f} times the floor, {rate:,.0f} rows/s")
    say(
        f"  {'ours again, nothing to write':<40}{results.again.seconds:>9.2f}   {results.again.counts}"
    )
    for mode, speed in results.peer.items():
        say(f"  {f'django-import-export, {mode}':<40}{ROWS / speed:>9.2f}   {speed:,.0f} rows/s")
    peaks = ", ".join(f"{each.peak:.0f} ({each.growth:+.0f})" for each in results.imports)
    say(f"  {'memory of the worker (MB PSS)':<40}{peaks}")
    say(f"  {'answer after the last byte (ms)':<40}{max(results.answers) * 1000:>9.0f}")
    return ours / bottom, rate / results.peer.get("row by row", float("inf"))


def say(text: str) -> None:
    print(text, flush=True)


def missed(ratio: float, faster: float, results: Results) -> list[str]:
    """Return the bars that were not met."""
    assert results.again is not None
    again = results.again.counts
    peak = max(each.peak for each in results.imports)
    growth = max(each.growth for each in results.imports)
    slowest = max(results.answers)
    bars = {
        f"{ratio:.2f} times the floor, bar {TIMES_FLOOR}": ratio <= TIMES_FLOOR,
        f"{faster:.1f} times django-import-export, bar {TIMES_PEER}": faster >= TIMES_PEER,
        f"{peak:.0f} MB, bar {MEMORY_MEGABYTES:.0f}": peak < MEMORY_MEGABYTES,
        f"{growth:+.0f} MB from half to half, bar {FLAT_MEGABYTES:.0f}": growth < FLAT_MEGABYTES,
        f"{again['created']} created and {again['updated']} updated at the second time, bar 0": (
            again["created"] + again["updated"] == 0
        ),
        f"{slowest * 1000:.0f} ms after the last byte, bar {ANSWER_SECONDS * 1000:.0f}": (
            slowest < ANSWER_SECONDS
        ),
    }
    return [bar for bar, is_met in bars.items() if not is_met]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--peer-rows", type=int, default=ROWS)
    parser.add_argument("--skip-sqlite", action="store_true")
    options = parser.parse_args()
    if not FILE.exists():
        raise SystemExit(f"The benchmark needs {FILE}.")
    with tempfile.TemporaryDirectory() as folder:
        file = unpacked(Path(folder))
        results = on("postgresql", file, rounds=options.rounds, peer_rows=options.peer_rows)
        ratio, faster = tell("PostgreSQL", results)
        lite = ""
        if not options.skip_sqlite:
            lite_ratio, _ = tell("SQLite", on("sqlite", file, rounds=1, peer_rows=0))
            lite = f", SQLite {lite_ratio:.2f}"
    failures = missed(ratio, faster, results)
    for failure in failures:
        say(f"MISSED: {failure}")
    peak = max(each.peak for each in results.imports)
    say(
        f"bench-import: {results.seconds:.1f} s = {ratio:.2f} x floor{lite}; {ROWS / results.seconds:,.0f} rows/s = "
        f"{faster:.1f} x django-import-export; {peak:.0f} MB; 202 after {max(results.answers) * 1000:.0f} ms"
    )
    return 1 if failures else 0


def unpacked(folder: Path) -> Path:
    file = folder / "contacts.csv"
    with gzip.open(FILE) as packed, file.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return file


def on(vendor: str, file: Path, *, rounds: int, peer_rows: int) -> Results:
    with tempfile.TemporaryDirectory() as folder, fresh_theatre(Path(folder), vendor) as theatre:
        return measure(theatre, file, rounds=rounds, peer_rows=peer_rows)


if __name__ == "__main__":
    sys.exit(main())

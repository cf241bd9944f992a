"""An import whose worker is killed in the middle of its chunks: each row is counted once, each person exists once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.crash.theatre import Theatre, kill

pytestmark = pytest.mark.crash

ROWS, BROKEN, REPEATED = 5_000, 60, 40
PEOPLE = ROWS - BROKEN - REPEATED
KILLS = 3
WITHIN_A_CHUNK_SECONDS = 0.3


def test_5_000_rows_are_counted_once_each_while_the_worker_is_killed_in_mid_chunk(theatre: Theatre):
    chance = random.Random(11)
    file = write_file(theatre.folder / "people.csv", chance)

    with theatre.worker():
        theatre.manage("import_contacts", str(file), "--list", "News", "--consent-source", "fair")
        for number in range(KILLS):
            due = number * 1_000
            theatre.wait_for(lambda due=due: done(theatre) >= due, seconds=20, what=f"{due} rows")
            time.sleep(chance.uniform(0, WITHIN_A_CHUNK_SECONDS))
            theatre.wait_for(lambda: theatre.rows(BUSY) != [], seconds=20, what="a busy worker")
            [(pid,)] = theatre.rows(BUSY)
            kill(pid)
        theatre.wait_for(
            lambda: theatre.rows(STATUS) == [("completed",)], seconds=30, what="an end"
        )

    counts = "total, processed, created, updated, unchanged, skipped, failed"
    assert theatre.rows(f"SELECT {counts} FROM csv_batches") == [
        (ROWS, ROWS, PEOPLE, 0, 0, REPEATED, BROKEN)
    ]
    assert theatre.rows(
        "SELECT status, error_code, count(*) FROM csv_rows GROUP BY 1, 2 ORDER BY 1"
    ) == [
        ("failed", "invalid_email", BROKEN),
        ("skipped", "duplicate", REPEATED),
        ("succeeded", "", PEOPLE),
    ]
    assert theatre.rows("SELECT count(DISTINCT number) FROM csv_rows") == [(ROWS,)]
    for table in ("contact", "listmember", "consent", "consentevent"):
        assert theatre.rows(f"SELECT count(*) FROM messaging_{table}") == [(PEOPLE,)], table
    assert theatre.rows("SELECT count(DISTINCT email) FROM messaging_contact") == [(PEOPLE,)]


STATUS = "SELECT status FROM csv_batches"
BUSY = (
    "SELECT w.pid FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
    " WHERE r.workflow = 'imports.load' AND r.status = 'running'"
)


def done(theatre: Theatre) -> int:
    [(count,)] = theatre.rows("SELECT processed FROM csv_batches")
    return int(count)


def write_file(path: Path, chance: random.Random) -> Path:
    """Write rows of which some are broken and some repeat an address of the first ones."""
    people = [f"person.{number}@example.com" for number in range(PEOPLE)]
    rows = people[:REPEATED]
    others = [
        *people[REPEATED:],
        *people[:REPEATED],
        *(f"person.{number} at example.com" for number in range(BROKEN)),
    ]
    chance.shuffle(others)
    path.write_text("email\n" + "\n".join([*rows, *others]) + "\n")
    return path

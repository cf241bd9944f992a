"""An import whose worker is killed in the middle of its chunks: each row is counted once, each person exists once."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.theatre import Theatre, kill

pytestmark = pytest.mark.crash

ROWS, BROKEN, REPEATED = 40_000, 60, 40
PEOPLE = ROWS - BROKEN - REPEATED
KILLS = 3
BETWEEN_KILLS = 4_000  # the last kill finds most of the file still unread, however fast the machine
WITHIN_A_CHUNK_SECONDS = 0.15
WITHIN_A_PACED_ROW_SECONDS = 0.3


def test_40_000_rows_are_counted_once_each_while_the_worker_is_killed_in_mid_chunk(
    theatre: Theatre,
):
    chance = random.Random(11)
    file = write_file(theatre.folder / "people.csv", chance)

    with theatre.worker():
        theatre.manage("import_contacts", str(file), "--list", "News", "--consent-source", "fair")
        for number in range(KILLS):
            due = number * BETWEEN_KILLS
            theatre.wait_for(lambda due=due: done(theatre) >= due, seconds=60, what=f"{due} rows")
            time.sleep(chance.uniform(0, WITHIN_A_CHUNK_SECONDS))
            theatre.wait_for(lambda: theatre.rows(BUSY) != [], seconds=60, what="a busy worker")
            [(pid,)] = theatre.rows(BUSY)
            kill(pid)
        theatre.wait_for(
            lambda: theatre.rows(STATUS) == [("completed",)], seconds=60, what="an end"
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


PACED_ROWS, REFUSED = 120, 6
BEGIN_PACED = (
    "from imports.actions import create_batch, store_path\n"
    "from pathlib import Path\n"
    "create_batch(store_path(Path({path!r})), target='stage', actor='system', file_name='p.csv', go='import')"
)


def test_paced_rows_are_settled_once_each_while_the_worker_is_killed_at_any_moment(
    theatre: Theatre,
):
    chance = random.Random(7)
    file = theatre.folder / "names.csv"
    names = [f"n{number}" for number in range(PACED_ROWS - REFUSED)]
    file.write_text("name,x\n" + "\n".join([f"{name},1" for name in names] + ["bad"] * REFUSED))

    with theatre.worker():
        theatre.manage("shell", "-v", "0", "-c", BEGIN_PACED.format(path=str(file)))
        for number in range(KILLS):
            due = number * 30 + 5
            theatre.wait_for(lambda due=due: done(theatre) >= due, seconds=60, what=f"{due} rows")
            time.sleep(chance.uniform(0, WITHIN_A_PACED_ROW_SECONDS))
            theatre.wait_for(
                lambda: theatre.rows(BUSY_PACED) != [], seconds=30, what="a busy worker"
            )
            for (pid,) in theatre.rows(BUSY_PACED)[:1]:
                kill(pid)
        theatre.wait_for(
            lambda: theatre.rows(STATUS) == [("completed",)], seconds=120, what="an end"
        )

    counts = "total, processed, succeeded, failed"
    assert theatre.rows(f"SELECT {counts} FROM csv_batches") == [
        (PACED_ROWS, PACED_ROWS, PACED_ROWS - REFUSED, REFUSED)
    ]
    assert theatre.rows("SELECT status, count(*) FROM csv_rows GROUP BY 1 ORDER BY 1") == [
        ("failed", REFUSED),
        ("succeeded", PACED_ROWS - REFUSED),
    ]
    saved = theatre.rows("SELECT step, count(*) FROM stage_effect GROUP BY 1")
    assert sorted(saved) == sorted((name, 1) for name in names)
    calls = Counter(line for line in theatre.lines() if line.startswith("begin|"))
    twice = {name: number for name, number in calls.items() if number > 1}
    assert set(calls) == {f"begin|{name}" for name in names}
    assert sum(twice.values()) - len(twice) <= KILLS  # only what was in flight is called for again


BUSY_PACED = (
    "SELECT w.pid FROM jobs_run r JOIN jobs_workerprocess w ON w.id = r.worker_id"
    " WHERE r.workflow = 'imports.pace' AND r.status = 'running'"
)
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

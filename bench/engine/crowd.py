"""Crowds of runs in a database of the bench, and claims among them: `python -m bench.engine.crowd VERB`.

- `fill STATUS COUNT`: so many copies of one run, ready, waiting (until tomorrow) or completed;
- `claim`: for every line on its input, claim a few runs one after the other and print the median milliseconds. As many
  new ones come to the back of the queue first, and those that were claimed are completed afterwards, so that the crowd
  keeps its size.
"""

from __future__ import annotations

import os
import sys
import time
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.engine.settings")
django.setup()

from django.db import connection  # noqa: E402

from core.ids import uuid7  # noqa: E402
from jobs.leases import claim  # noqa: E402
from jobs.models import Run  # noqa: E402
from jobs.starting import start_run  # noqa: E402

CLAIMS = 20
PATTERN = "bench.three"


def fill(status: str, count: int) -> None:
    """Add copies of a pattern run; the pattern itself stays out of everybody's way."""
    pattern = Run.objects.filter(workflow=PATTERN, status=Run.Status.CANCELLED).first() or cast()
    now = "clock_timestamp()"
    # Ids grow with time, as real ones do.
    changes = {
        "id": "lpad(to_hex((extract(epoch from clock_timestamp()) * 1e6)::bigint), 12, '0')::text"
    }
    changes["id"] = f"({changes['id']} || substr(md5(number::text || {now}::text), 1, 20))::uuid"
    changes |= {"status": f"'{status}'", "created_at": now, "sort_at": now, "finished_at": "NULL"}
    if status == Run.Status.WAITING:
        changes["due_at"] = f"{now} + interval '1 day'"
    if status == Run.Status.COMPLETED:
        changes["finished_at"] = now
    columns = [field.column for field in Run._meta.concrete_fields if not field.generated]
    values = ", ".join(changes.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs_run ({', '.join(columns)})"
            f" SELECT {values} FROM jobs_run, generate_series(1, %s) number WHERE id = %s",
            [count, pattern.pk],
        )


def cast() -> Run:
    run = start_run(PATTERN, input={"number": 1})
    Run.objects.filter(pk=run.pk).update(status=Run.Status.CANCELLED)
    return run


def settle() -> None:
    """What autovacuum would do by itself in a minute."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE jobs_run")


def milliseconds_to_claim() -> float:
    fill(Run.Status.READY, CLAIMS)
    worker_id, taken = uuid7(), []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        lease = claim("main", worker_id=worker_id)
        taken.append(1000 * (time.perf_counter() - began))
        assert lease
    claimed = Run.objects.filter(status=Run.Status.CLAIMED)
    claimed.update(status=Run.Status.COMPLETED, worker_id=None, lease_until=None)
    return median(taken)


def main() -> None:
    verb, *arguments = sys.argv[1:]
    if verb == "fill":
        fill(arguments[0], int(arguments[1]))
        settle()
    for _ in sys.stdin if verb == "claim" else ():
        print(milliseconds_to_claim(), flush=True)


if __name__ == "__main__":
    main()

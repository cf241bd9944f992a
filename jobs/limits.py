"""Rate limits shared by every worker and machine: the generic cell rate algorithm, one statement per question.

The clock is the database's own. A crash after `take` wastes tokens and never makes any.
"""

from __future__ import annotations

from django.db import connection

from jobs.database import epoch_now


def take(key: str, *, amount: int, per_second: float, burst: int) -> float:
    """Take `amount` tokens at once, or none.

    Returns 0.0 when they were taken, else the seconds after which it is worth asking again. `burst` is the most that
    can be taken in one moment after a rest; it is never less than `amount`.
    """
    cost = amount / per_second
    tolerance = max(burst, amount) / per_second
    now = epoch_now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs_bucket (key, arrival, paused_until) VALUES (%s, {now} + %s, 0)"  # noqa: S608
            f" ON CONFLICT (key) DO UPDATE SET arrival ="
            f" CASE WHEN jobs_bucket.arrival > {now} THEN jobs_bucket.arrival ELSE {now} END + %s"
            f" WHERE jobs_bucket.paused_until <= {now} AND jobs_bucket.arrival <= {now} + %s"
            f" RETURNING arrival",
            [key, cost, cost, tolerance - cost],
        )
        if cursor.fetchone():
            return 0.0
        cursor.execute(
            f"SELECT arrival - {now}, paused_until - {now} FROM jobs_bucket WHERE key = %s",  # noqa: S608
            [key],
        )
        ahead, paused = cursor.fetchone()
    return max(ahead - (tolerance - cost), paused, 0.001)


def reserve(key: str, *, amount: int, per_second: float, burst: int) -> tuple[float, float]:
    """Promise so many tokens in advance, one after the other.

    Returns after how many seconds the first may be used, and the distance between them. Nobody else gets these.
    """
    distance = 1 / per_second
    now = epoch_now()
    behind = f"CASE WHEN paused_until > {now} THEN paused_until ELSE {now} END"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs_bucket (key, arrival, paused_until) VALUES (%s, {now}, 0)"  # noqa: S608
            f" ON CONFLICT (key) DO NOTHING",
            [key],
        )
        cursor.execute(
            f"UPDATE jobs_bucket SET arrival ="  # noqa: S608
            f" CASE WHEN arrival > ({behind}) THEN arrival ELSE ({behind}) END + %s"
            f" WHERE key = %s RETURNING arrival - {now}",
            [amount * distance, key],
        )
        last = cursor.fetchone()[0]
    first = last - amount * distance - (burst - 1) * distance
    return max(first, 0.0), distance


def paused_for(key: str) -> float:
    """Return the seconds until tokens may be taken again, for those who take none; 0.0 when it is not paused."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT paused_until - {epoch_now()} FROM jobs_bucket WHERE key = %s",  # noqa: S608
            [key],
        )
        row = cursor.fetchone()
    return max(0.0, row[0]) if row else 0.0


def pause_key(key: str, *, seconds: float) -> None:
    """Let nobody take a token for so many seconds (a provider said so). Never shortens a pause."""
    now = epoch_now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs_bucket (key, arrival, paused_until) VALUES (%s, 0, {now} + %s)"  # noqa: S608
            f" ON CONFLICT (key) DO UPDATE SET paused_until ="
            f" CASE WHEN jobs_bucket.paused_until > excluded.paused_until"
            f" THEN jobs_bucket.paused_until ELSE excluded.paused_until END",
            [key, seconds],
        )

"""Writing steps: each write proves the lease and learns of a cancellation in the same transaction.

On PostgreSQL that is one statement, on SQLite two in one transaction. Every other second it extends the lease, too, and
forgives earlier crashes; else it locks the run's row, which keeps out whoever would take the run away just as well, and
costs half. A completed step never changes again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, transaction

from core import clock
from jobs.database import hot, is_postgres, json_of, json_type, key_of, later, still
from jobs.interrupts import LeaseLost
from jobs.leases import LEASE_SECONDS, WISH_COLUMNS, Lease, Wish, prove, renew, wish_of
from jobs.states import StepKind, StepStatus

_COLUMNS = (
    "key, kind, status, attempts, output, error, progress_done, progress_total, progress_text,"
    " wake_at, started_at, finished_at"
)
_CHANGES = ", ".join(
    f"{name} = excluded.{name}"
    for name in _COLUMNS.replace(" ", "").split(",")
    if name not in ("key", "started_at")
)


@dataclass(slots=True)
class StepRecord:
    """A step as a run knows it while it is driven."""

    key: str
    kind: StepKind
    status: StepStatus = StepStatus.RUNNING
    attempts: int = 0
    output: Any = None
    error: dict[str, Any] | None = None
    progress_done: int = 0
    progress_total: int | None = None
    progress_text: str = ""
    wake_at: datetime | None = None
    started_at: datetime = field(default_factory=clock.now)
    finished_at: datetime | None = None

    def values(self) -> list[Any]:
        adapt = connection.ops.adapt_datetimefield_value
        return [
            self.key,
            self.kind,
            self.status,
            self.attempts,
            json_of(self.output),
            None if self.error is None else json_of(self.error),
            self.progress_done,
            self.progress_total,
            self.progress_text,
            self.wake_at and adapt(self.wake_at),
            adapt(self.started_at),
            self.finished_at and adapt(self.finished_at),
        ]


def save(lease: Lease, step: StepRecord) -> Wish:
    """Write a step under a lease; return what somebody asked of the run. Raises LeaseLost, having written nothing."""
    renews = time.monotonic() >= lease.renew_at
    wish = (_save_in_one_statement if is_postgres() else _save_in_two)(lease, step, renews)
    if renews:
        lease.is_renewed()
    return wish


def _save_in_two(lease: Lease, step: StepRecord, renews: bool) -> Wish:
    with transaction.atomic():
        wish = renew(lease) if renews else prove(lease)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO jobs_step (run_id, {_COLUMNS})"  # noqa: S608
                f" VALUES (%s, {', '.join(_placeholders())}) {_on_conflict()}",
                [key_of(lease.run_id), *step.values()],
            )
    return wish


def _save_in_one_statement(lease: Lease, step: StepRecord, renews: bool) -> Wish:
    rows = hot(_in_one_statement(renews), [lease.run_id, lease.epoch, *step.values()])
    if not rows:
        raise LeaseLost(f"run {lease.run_id} epoch {lease.epoch} is held by another")
    return wish_of(*rows[0])


@cache
def _in_one_statement(renews: bool) -> str:
    mine = f"WHERE id = %s AND epoch = %s AND {still('running')}"
    held = (
        f"UPDATE jobs_run SET lease_until = {later(LEASE_SECONDS)}, crashes = 0, attempts = 0 {mine}"  # noqa: S608
        f" RETURNING id, {WISH_COLUMNS}"
        if renews
        else f"SELECT id, {WISH_COLUMNS} FROM jobs_run {mine} FOR NO KEY UPDATE"  # noqa: S608
    )
    return (
        f"WITH held AS MATERIALIZED ({held}),"  # noqa: S608
        f" saved AS (INSERT INTO jobs_step (run_id, {_COLUMNS})"
        f" SELECT held.id, {', '.join(_placeholders())} FROM held {_on_conflict()})"
        f" SELECT {WISH_COLUMNS} FROM held"
    )


def _placeholders() -> list[str]:
    """Placeholders in column order; inside SELECT PostgreSQL must be told the types that it cannot guess."""
    if not is_postgres():
        return ["%s"] * 12
    text, number, moment, json = "%s::text", "%s::bigint", "%s::timestamptz", f"%s{json_type()}"
    return [text, text, text, number, json, json, number, number, text, moment, moment, moment]


def _on_conflict() -> str:
    return (
        f"ON CONFLICT (run_id, key) DO UPDATE SET {_CHANGES} WHERE jobs_step.status <> 'completed'"
    )

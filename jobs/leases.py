"""The right to drive a run: claimed, renewed, proven, lost.

A lease belongs to one process and ends LEASE_SECONDS after its last renewal, by the database's clock. Claiming adds
one to the run's epoch; every later write names that epoch, so a holder that was declared dead can change nothing any
more.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import connection

from core import clock
from jobs.database import is_postgres, key_of, later, uuid_of
from jobs.interrupts import LeaseLost
from jobs.models import Run
from jobs.states import RunStatus

LEASE_SECONDS = 20.0
RENEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Lease:
    run_id: uuid.UUID
    epoch: int
    worker_id: uuid.UUID


def claim(queue: str, *, worker_id: uuid.UUID, limit: int = 1) -> list[Lease]:
    """Claim up to `limit` ready runs, oldest start less priority first. Two claimers never get the same run."""
    lock = "FOR UPDATE SKIP LOCKED" if is_postgres() else ""
    materialized = "MATERIALIZED" if is_postgres() else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH picked AS {materialized} (SELECT id FROM jobs_run"  # noqa: S608
            f" WHERE status = 'ready' AND queue = %s ORDER BY sort_at, id LIMIT %s {lock})"
            f" UPDATE jobs_run SET status = 'claimed', epoch = epoch + 1, worker_id = %s,"
            f" lease_until = {later(LEASE_SECONDS)}"
            f" WHERE id IN (SELECT id FROM picked) AND status = 'ready' RETURNING id, epoch",
            [queue, limit, key_of(worker_id)],
        )
        return [Lease(uuid_of(run_id), epoch, worker_id) for run_id, epoch in cursor.fetchall()]


def begin(run_id: uuid.UUID, *, epoch: int, worker_id: uuid.UUID) -> Run:
    """Turn a claim into a running run held by this process; raise LeaseLost when the claim is stale."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobs_run SET status = 'running', worker_id = %s,"  # noqa: S608
            f" lease_until = {later(LEASE_SECONDS)}, started_at = COALESCE(started_at, %s)"
            f" WHERE id = %s AND epoch = %s AND status = 'claimed'",
            [
                key_of(worker_id),
                connection.ops.adapt_datetimefield_value(clock.now()),
                key_of(run_id),
                epoch,
            ],
        )
        if cursor.rowcount != 1:
            raise LeaseLost(f"run {run_id} epoch {epoch} is not to be started")
    return Run.objects.get(pk=run_id)


def renew(lease: Lease) -> bool:
    """Prove and extend a lease in the caller's transaction; the run made progress, so its crash count starts anew.

    Returns whether somebody asked for the run to be cancelled. Raises LeaseLost.
    """
    return _extend(lease, also=", crashes = 0, attempts = 0")


def keep_alive(lease: Lease) -> bool:
    """Extend a lease from the heartbeat: alive is not progress, so nothing else changes."""
    return _extend(lease, also="")


def _extend(lease: Lease, *, also: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobs_run SET lease_until = {later(LEASE_SECONDS)}{also}"  # noqa: S608
            f" WHERE id = %s AND epoch = %s AND status = 'running'"
            f" RETURNING cancel_requested_at",
            [key_of(lease.run_id), lease.epoch],
        )
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"run {lease.run_id} epoch {lease.epoch} is held by another")
    return row[0] is not None


def let_go(lease: Lease, **changes: object) -> None:
    """End a lease with the run's next status and other changes, in one fenced statement. Raises LeaseLost."""
    held = Run.objects.filter(pk=lease.run_id, epoch=lease.epoch, status=RunStatus.RUNNING)
    if not held.update(worker_id=None, lease_until=None, **changes):
        raise LeaseLost(f"run {lease.run_id} epoch {lease.epoch} is held by another")

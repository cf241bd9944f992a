"""The right to drive a run: claimed, renewed, proven, lost.

A lease belongs to one process and ends LEASE_SECONDS after its last renewal, by the database's clock. Claiming adds
one to the run's epoch; every later write names that epoch, so a holder that was declared dead can change nothing any
more.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import connection, transaction
from django.db.models.functions import Now

from core import clock
from core.sql import Literal
from jobs import slots
from jobs.database import is_postgres, key_of, later, uuid_of
from jobs.interrupts import LeaseLost
from jobs.models import Run, RunQuerySet
from jobs.states import RunStatus

LEASE_SECONDS = 20.0
RENEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Lease:
    run_id: uuid.UUID
    epoch: int
    worker_id: uuid.UUID
    slots: tuple[str, ...] = ()  #: what the run gives back when it is let go


def claim(queue: str, *, worker_id: uuid.UUID) -> Lease | None:
    """Claim a ready run, oldest start less priority first. Two claimers never get the same run.

    A run under limits that is first in the queue is decided on with those behind it; those that may not go now leave
    the queue for where they wait.
    """
    lease = _claim_first(queue, worker_id)
    if lease or not _is_any_ready(queue):
        return lease
    with transaction.atomic():
        slots.lock()
        run = slots.Turnstile(slots.head_of(queue)).choose()
        if run is None:
            return None
        until = Now() + timedelta(seconds=LEASE_SECONDS)
        epoch = slots.take_up(run, worker_id=worker_id, lease_until=until)
    return Lease(run.pk, epoch, worker_id)


def _claim_first(queue: str, worker_id: uuid.UUID) -> Lease | None:
    """Claim the first run, unless it is under limits."""
    lock = "FOR UPDATE SKIP LOCKED" if is_postgres() else ""
    materialized = "MATERIALIZED" if is_postgres() else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH picked AS {materialized} (SELECT id FROM jobs_run"  # noqa: S608
            f" WHERE status = 'ready' AND queue = %s ORDER BY sort_at, id LIMIT 1 {lock})"
            f" UPDATE jobs_run SET status = 'claimed', epoch = epoch + 1, worker_id = %s,"
            f" lease_until = {later(LEASE_SECONDS)}"
            f" WHERE id IN (SELECT id FROM picked) AND status = 'ready' AND NOT is_limited"
            f" RETURNING id, epoch",
            [queue, key_of(worker_id)],
        )
        row = cursor.fetchone()
    return Lease(uuid_of(row[0]), row[1], worker_id) if row else None


def _is_any_ready(queue: str) -> bool:
    return Run.objects.filter(status=Literal(RunStatus.READY), queue=queue).exists()


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


class Wish(StrEnum):
    """What somebody wants of a run that a worker drives; heard with every renewal."""

    NONE = ""
    CANCEL = "cancel"
    PAUSE = "pause"


#: The columns that tell a wish; to be judged in Python, since SQLite 3.40 misreads IS NOT NULL in a RETURNING.
WISH_COLUMNS = "cancel_requested_at, pause_requested_at"


def wish_of(cancel_requested_at: object, pause_requested_at: object) -> Wish:
    """Return what the WISH_COLUMNS of a run say."""
    if cancel_requested_at is not None:
        return Wish.CANCEL
    return Wish.NONE if pause_requested_at is None else Wish.PAUSE


def renew(lease: Lease) -> Wish:
    """Prove and extend a lease in the caller's transaction; the run made progress, so its crash count starts anew.

    Returns what somebody asked of the run. Raises LeaseLost.
    """
    return _extend(lease, also=", crashes = 0, attempts = 0")


def keep_alive(lease: Lease) -> Wish:
    """Extend a lease from the heartbeat: alive is not progress, so nothing else changes."""
    return _extend(lease, also="")


def _extend(lease: Lease, *, also: str) -> Wish:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobs_run SET lease_until = {later(LEASE_SECONDS)}{also}"  # noqa: S608
            f" WHERE id = %s AND epoch = %s AND status = 'running'"
            f" RETURNING {WISH_COLUMNS}",
            [key_of(lease.run_id), lease.epoch],
        )
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"run {lease.run_id} epoch {lease.epoch} is held by another")
    return wish_of(*row)


def held(lease: Lease) -> RunQuerySet:
    """Return the run as a queryset that is empty once somebody else holds it, or it is let go."""
    runs: RunQuerySet = Run.objects.filter(
        pk=lease.run_id, epoch=lease.epoch, status=RunStatus.RUNNING
    )
    return runs


def let_go(lease: Lease, **changes: object) -> None:
    """End a lease with the run's next status and other changes, fenced; its slots go to those they block.

    Raises LeaseLost.
    """
    with slots.releasing(lease.slots):
        if not held(lease).update(worker_id=None, lease_until=None, **changes):
            raise LeaseLost(f"run {lease.run_id} epoch {lease.epoch} is held by another")


def rest(
    lease: Lease, *, heeding: Sequence[Wish] = (Wish.CANCEL, Wish.PAUSE), **changes: object
) -> Wish:
    """Let go of a run that is not over, unless somebody has just asked something of it: then return that instead.

    What is asked of a run at rest is done at once, of one that a worker drives by that worker: nobody may fall between.
    """
    unasked = held(lease).filter(**{f"{wish}_requested_at__isnull": True for wish in heeding})
    with slots.releasing(lease.slots):
        if unasked.update(worker_id=None, lease_until=None, **changes):
            return Wish.NONE
    return keep_alive(lease)

"""The right to drive a run: claimed, renewed, proven, lost.

A lease belongs to one process and ends LEASE_SECONDS after its last renewal, by the database's clock. Claiming adds
one to the run's epoch; every later write names that epoch, so a holder that was declared dead can change nothing any
more.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from core import clock
from core.sql import Literal
from jobs import rows_of_runs, slots
from jobs.database import Rows, hot, is_postgres, json_of, key_of, later, still, uuid_of
from jobs.interrupts import LeaseLost
from jobs.models import Run, RunQuerySet
from jobs.states import RunStatus

LEASE_SECONDS = 20.0
RENEW_SECONDS = 5.0
#: Checkpoints within this time after a renewal prove the lease and do not renew it: that writes the whole run anew.
RENEWED_FOR_SECONDS = 2.0


@dataclass(slots=True)
class Lease:
    run_id: uuid.UUID
    epoch: int
    worker_id: uuid.UUID
    slots: tuple[str, ...] = ()  #: what the run gives back when it is let go
    #: From when on (`time.monotonic`) the next checkpoint renews it; until then it is enough to prove it.
    renew_at: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, run: Run, worker_id: uuid.UUID) -> Lease:
        """Return the lease of a run that was begun just now; what went wrong before is forgiven by its next step."""
        lease = cls(run.pk, run.epoch, worker_id, tuple(run.slots))
        if not run.crashes and not run.attempts:
            lease.is_renewed()
        return lease

    def is_renewed(self) -> None:
        self.renew_at = time.monotonic() + RENEWED_FOR_SECONDS


def claim(queue: str, *, worker_id: uuid.UUID) -> Lease | None:
    """Claim a ready run, oldest start less priority first. Two claimers never get the same run.

    A run under limits that is first in the queue is decided on with those behind it; those that may not go now leave
    the queue for where they wait.
    """
    lease = _claim_first(queue, worker_id)
    while lease is None and _is_any_ready(queue):
        with transaction.atomic():
            slots.lock()
            head = slots.head_of(queue)
            if run := slots.Turnstile(head).choose():
                until = Now() + timedelta(seconds=LEASE_SECONDS)
                epoch = slots.take_up(run, worker_id=worker_id, lease_until=until)
                return Lease(run.pk, epoch, worker_id)
        if not head:  # others have them in hand
            return None
    return lease


def _claim_first(queue: str, worker_id: uuid.UUID) -> Lease | None:
    """Claim the first run, unless it is under limits."""
    rows = hot(
        f"WITH {_picked()} UPDATE jobs_run SET status = 'claimed', epoch = epoch + 1, worker_id = %s,"  # noqa: S608
        f" lease_until = {later(LEASE_SECONDS)} {_the_picked()} RETURNING id, epoch",
        [queue, key_of(worker_id)],
    )
    return Lease(uuid_of(rows[0][0]), rows[0][1], worker_id) if rows else None


def _is_any_ready(queue: str) -> bool:
    return Run.objects.filter(status=Literal(RunStatus.READY), queue=queue).exists()


def take(queue: str, *, worker_id: uuid.UUID) -> Run | None:
    """Claim the first ready run and begin it in the same moment, for a worker that has just come free.

    None where nothing is ready, or the first is under limits: that is for the broker loop to decide.
    """
    now = connection.ops.adapt_datetimefield_value(clock.now())
    rows = hot(_take_sql(), [queue, key_of(worker_id), now])
    return rows_of_runs.read(rows[0]) if rows else None


@cache
def _take_sql() -> str:
    return f"WITH {_picked()} {_begun()} RETURNING {rows_of_runs.columns()}"


def _picked(*, is_behind: bool = False) -> str:
    lock = "FOR UPDATE SKIP LOCKED" if is_postgres() else ""
    materialized = "MATERIALIZED" if is_postgres() else ""
    behind = " AND (sort_at, id) > (%s, %s)" if is_behind else ""
    return (
        f"picked AS {materialized} (SELECT id FROM jobs_run"  # noqa: S608
        f" WHERE status = 'ready' AND queue = %s{behind} ORDER BY sort_at, id LIMIT 1 {lock})"
    )


def _begun() -> str:
    return (
        f"UPDATE jobs_run SET status = 'running', epoch = epoch + 1, worker_id = %s,"  # noqa: S608
        f" lease_until = {later(LEASE_SECONDS)}, started_at = COALESCE(started_at, %s) {_the_picked()}"
    )


def _the_picked() -> str:
    """Whatever stands under a limit, or is paused, is for the claim that looks at several."""
    paused = (
        "SELECT 1 FROM jobs_hold WHERE is_on"
        " AND key IN ('workflow:' || jobs_run.workflow, 'queue:' || jobs_run.queue)"
    )
    return (
        f"WHERE id = (SELECT id FROM picked) AND {still('ready')} AND NOT is_limited"  # noqa: S608
        f" AND NOT EXISTS ({paused})"
    )


def begin(run_id: uuid.UUID, *, epoch: int, worker_id: uuid.UUID) -> Run:
    """Turn a claim into a running run held by this process; raise LeaseLost when the claim is stale."""
    now = connection.ops.adapt_datetimefield_value(clock.now())
    rows = hot(
        f"UPDATE jobs_run SET status = 'running', worker_id = %s,"  # noqa: S608
        f" lease_until = {later(LEASE_SECONDS)}, started_at = COALESCE(started_at, %s)"
        f" WHERE id = %s AND epoch = %s AND {still('claimed')} RETURNING {rows_of_runs.columns()}",
        [key_of(worker_id), now, key_of(run_id), epoch],
    )
    if not rows:
        raise LeaseLost(f"run {run_id} epoch {epoch} is not to be started")
    return rows_of_runs.read(rows[0])


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


def prove(lease: Lease) -> Wish:
    """Prove a lease in the caller's writing transaction, on SQLite, where that keeps all others out."""
    rows = hot(
        f"SELECT {WISH_COLUMNS} FROM jobs_run WHERE id = %s AND epoch = %s AND {still('running')}",  # noqa: S608
        [key_of(lease.run_id), lease.epoch],
    )
    return _heard(lease, rows)


def _extend(lease: Lease, *, also: str) -> Wish:
    rows = hot(
        f"UPDATE jobs_run SET lease_until = {later(LEASE_SECONDS)}{also}"  # noqa: S608
        f" WHERE id = %s AND epoch = %s AND {still('running')}"
        f" RETURNING {WISH_COLUMNS}",
        [key_of(lease.run_id), lease.epoch],
    )
    return _heard(lease, rows)


def _heard(lease: Lease, rows: Rows) -> Wish:
    if not rows:
        raise LeaseLost(f"run {lease.run_id} epoch {lease.epoch} is held by another")
    return wish_of(*rows[0])


def held(lease: Lease) -> RunQuerySet:
    """Return the run as a queryset that is empty once somebody else holds it, or it is let go."""
    runs: RunQuerySet = Run.objects.filter(
        pk=lease.run_id, epoch=lease.epoch, status=RunStatus.RUNNING
    )
    return runs


def complete(
    lease: Lease, run: Run, output: Any, *, queue: str, is_behind: bool = False
) -> Run | None:
    """End a run that holds no slots as completed, count it for its parent, and take the first ready run of a queue.

    On PostgreSQL all of it is one statement, and one commit; without a queue nothing is taken. `is_behind`: the first
    of those behind the run that ends, which spares the way past all that were taken before and still stand in the
    index. Raises NotAtOnce, having changed nothing, where more follows from this end than that: it is the last child,
    its join is bounded, or the lease is lost.
    """
    now = connection.ops.adapt_datetimefield_value(clock.now())
    parent = [run.parent_id, run.parent_step] if run.parent_id else []
    ending: list[Any] = [key_of(lease.run_id), lease.epoch, *parent, json_of(output), now]
    behind = [run.sort_at, run.pk] if is_behind else []
    taking: list[Any] = [queue, *behind, key_of(lease.worker_id), now] if queue else []
    sql = _complete_sql(is_child=bool(parent), takes=bool(queue), is_behind=is_behind)
    rows = hot(sql, ending + taking)
    if not rows[0][0]:
        raise NotAtOnce(f"run {lease.run_id} epoch {lease.epoch} cannot be ended in one statement")
    return rows_of_runs.read(rows[0][1:]) if queue and rows[0][1] is not None else None


class NotAtOnce(Exception):
    """A run cannot be ended in one statement."""


@cache
def _complete_sql(*, is_child: bool, takes: bool, is_behind: bool) -> str:
    """The run is locked before the count of its parent, as everywhere; the last child wakes its parent, which needs to
    be read anew after the count is locked, and so is not done here."""
    counted = (
        " counted AS (UPDATE jobs_join SET remaining = remaining - 1 WHERE run_id = %s AND step = %s"
        " AND remaining > 1 AND NOT is_bounded AND EXISTS (SELECT 1 FROM held) RETURNING 1),"
    )
    sql = (
        "WITH held AS MATERIALIZED (SELECT id FROM jobs_run"  # noqa: S608
        f" WHERE id = %s AND epoch = %s AND {still('running')} FOR UPDATE),"
        f"{counted if is_child else ''}"
        " done AS (UPDATE jobs_run SET status = 'completed', output = %s::jsonb, error = NULL,"
        f" finished_at = %s, worker_id = NULL, lease_until = NULL, is_joined = {str(is_child).lower()}"
        f" WHERE id = (SELECT id FROM held){' AND EXISTS (SELECT 1 FROM counted)' if is_child else ''}"
        " RETURNING 1)"
    )
    if not takes:
        return f"{sql} SELECT EXISTS (SELECT 1 FROM done)"  # noqa: S608
    return (
        f"{sql}, {_picked(is_behind=is_behind)}, begun AS ({_begun()} AND EXISTS (SELECT 1 FROM done)"  # noqa: S608
        f" RETURNING {rows_of_runs.columns()})"
        f" SELECT EXISTS (SELECT 1 FROM done), begun.* FROM (SELECT 1) one LEFT JOIN begun ON true"
    )


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

"""Drives one claimed run as far as it goes: the task that Django-Q2's worker processes execute."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction

from core import clock
from core.errors import RetryAfter
from jobs import heartbeat, reaper, registry
from jobs.context import RunContext
from jobs.database import is_lost
from jobs.endings import describe, fail_run
from jobs.interrupts import Interrupt, LeaseLost, RunCancelled, Suspended
from jobs.leases import LEASE_SECONDS, Lease, begin, let_go
from jobs.models import Run
from jobs.registry import Workflow
from jobs.retrying import is_final
from jobs.states import RunStatus

log = logging.getLogger(__name__)

PUT_BACK_SECONDS = 30.0
WAIT_SECONDS = 0.5
#: A run that came through to its next wait is not blamed any more for what went wrong long ago.
FORGIVEN = {"crashes": 0, "attempts": 0}


class SwallowedInterrupt(Exception):
    """A workflow caught BaseException and went on although its run had to stop."""


def drive(run_id: str, epoch: int) -> str:
    """Take up a claimed run and return, in a word for the log, how it went on. Never raises an Exception.

    Whatever is not written before a crash is found by the reaper; a run whose database is lost is given back as soon
    as that answers again.
    """
    try:
        pulse = heartbeat.this_process()
        lease = Lease(uuid.UUID(run_id), epoch, pulse.worker_id)
        run = begin(lease.run_id, epoch=epoch, worker_id=lease.worker_id)
        with pulse.driving(lease):
            return _drive(run, lease)
    except LeaseLost:
        return "lost"
    except (DatabaseError, InterfaceError):
        log.exception("run %s: the database failed", run_id)
        return _give_back(uuid.UUID(run_id), epoch=epoch)


def _give_back(run_id: uuid.UUID, *, epoch: int) -> str:
    """Free the run for others, waiting for the database up to the length of a lease; then that ends by itself.

    It is no crash of the run: none may fail because the database was away.
    """
    deadline = time.monotonic() + LEASE_SECONDS
    while time.monotonic() < deadline:
        connection.close()
        try:
            reaper.give_back(run_id, epoch=epoch)
        except (DatabaseError, InterfaceError):
            time.sleep(WAIT_SECONDS)
        else:
            return "given back"
    return "interrupted"


def _drive(run: Run, lease: Lease) -> str:
    if not registry.is_known(run.workflow):
        return _put_back(run, lease)
    workflow = registry.get(run.workflow)
    context = RunContext(run, lease, retry=workflow.retry)
    heartbeat.this_process().watch(context)
    try:
        output = workflow.function(context, **run.input)
        if context.interrupt:
            raise SwallowedInterrupt(
                f"{run.workflow} caught BaseException and swallowed {context.interrupt!r}."
            )
        let_go(
            lease, status=RunStatus.COMPLETED, output=output, finished_at=clock.now(), error=None
        )
    except Interrupt as interrupt:
        return _interrupted(lease, interrupt)
    except Exception as error:  # noqa: BLE001 - whatever a workflow raises is recorded on its run
        if is_lost(error):
            raise
        return _failed(run, lease, workflow, error)
    return "completed"


def _put_back(run: Run, lease: Lease) -> str:
    """A workflow this code does not know (a deploy under way): another worker may know it, later."""
    log.warning("run %s: no workflow %r here; put back", run.public_id, run.workflow)
    due_at = clock.now() + timedelta(seconds=PUT_BACK_SECONDS)
    let_go(lease, status=RunStatus.WAITING, due_at=due_at)
    return "put back"


def _interrupted(lease: Lease, interrupt: Interrupt) -> str:
    if isinstance(interrupt, Suspended):
        changes: dict[str, Any] = {"status": RunStatus.WAITING, "due_at": interrupt.due_at}
        changes |= FORGIVEN
        if interrupt.to_the_back:
            changes["sort_at"] = interrupt.due_at
            if interrupt.due_at <= clock.now():
                changes["status"] = RunStatus.READY
        let_go(lease, **changes)
        return "waiting"
    if isinstance(interrupt, RunCancelled):
        let_go(lease, status=RunStatus.CANCELLED, finished_at=clock.now())
        return "cancelled"
    raise interrupt


def _failed(run: Run, lease: Lease, workflow: Workflow, error: Exception) -> str:
    """An error outside of steps: the run's own table of retries, then the end."""
    if isinstance(error, RetryAfter):
        let_go(lease, status=RunStatus.WAITING, due_at=error.until)
        return "waiting"
    step = _failed_step(run)
    final = is_final(error) or isinstance(error, SwallowedInterrupt) or bool(step)
    with transaction.atomic():
        held = Run.objects.filter(pk=run.pk, epoch=lease.epoch, status=RunStatus.RUNNING)
        attempts = held.values_list("attempts", flat=True).first() or 0
        delay = None if final else workflow.retry.delay_after(attempts + 1)
        if delay is not None:
            due_at = clock.now() + timedelta(seconds=delay)
            summary = describe(error)
            let_go(
                lease, status=RunStatus.WAITING, due_at=due_at, attempts=attempts + 1, error=summary
            )
            return "retrying"
        if not fail_run(held, error=describe(error, step=step)):
            raise LeaseLost(f"run {run.pk} epoch {lease.epoch} is held by another")
    log.warning("run %s failed: %s", run.public_id, type(error).__name__)
    return "failed"


def _failed_step(run: Run) -> str:
    """Return the step in which the run ended, or nothing where the error stands outside of steps."""
    key = run.steps.filter(status="failed").values_list("key", flat=True).last()
    return key or ""

"""Drives one claimed run as far as it goes: the task that Django-Q2's worker processes execute."""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Case, F, Value, When
from django_q.conf import Conf

from core import clock
from core.errors import NotFound, PermanentFailure, RetryAfter
from jobs import deadlines, heartbeat, reaper, registry
from jobs.context import RunContext
from jobs.database import is_lost, is_postgres
from jobs.endings import cancel_run, describe, end_run, fail_run
from jobs.events import cancelling
from jobs.interrupts import (
    DeadlinePassed,
    Interrupt,
    LeaseLost,
    Parked,
    RunCancelled,
    RunPaused,
    Suspended,
)
from jobs.leases import (
    LEASE_SECONDS,
    Lease,
    NotAtOnce,
    Wish,
    begin,
    complete,
    held,
    let_go,
    rest,
    take,
)
from jobs.models import Run
from jobs.registry import Workflow
from jobs.retrying import is_final
from jobs.states import RunStatus
from jobs.timelimits import time_limit

log = logging.getLogger(__name__)

#: So long a worker takes one ready run after another by itself, before it looks whether it is to stop or be recycled.
TURN_SECONDS = 0.05
#: How a run went on, after which its worker is free and its database there.
GOES_ON = frozenset(
    {"completed", "waiting", "cancelled", "paused", "failed", "retrying", "skipped"}
)
PUT_BACK_SECONDS = 30.0
WAIT_SECONDS = 0.5
#: A run that came through to its next wait is not blamed any more for what went wrong long ago.
FORGIVEN = {"crashes": 0, "attempts": 0}


#: Whoever is woken in the moment in which it falls asleep looks once more.
_WAITING_UNLESS_WOKEN = Case(
    When(is_woken=True, then=Value(RunStatus.READY)), default=Value(RunStatus.WAITING)
)


class SwallowedInterrupt(Exception):
    """A workflow caught BaseException and went on although its run had to stop."""


def serve(run_id: str, epoch: int) -> str:
    """Take up a claimed run, and then for a moment whatever is first in the queue: the task of a pool process.

    Returns, in a word for the log, how the last run went on. Never raises an Exception.
    """
    return _serve(uuid.UUID(run_id), epoch, seconds=TURN_SECONDS)


def drive(run_id: str, epoch: int) -> str:
    """Take up one claimed run and return, in a word for the log, how it went on. Never raises an Exception.

    Whatever is not written before a crash is found by the reaper; a run whose database is lost is given back as soon
    as that answers again.
    """
    return _serve(uuid.UUID(run_id), epoch, seconds=0)


def _serve(run_id: uuid.UUID, epoch: int, *, seconds: float) -> str:
    try:
        worker_id = heartbeat.this_process().worker_id
    except (DatabaseError, InterfaceError):
        log.exception("run %s: the database failed", run_id)
        return _give_back(run_id, epoch=epoch)
    turn = Turn(worker_id, seconds=seconds)
    word = _take_up(Lease(run_id, epoch, worker_id), turn)
    while word in GOES_ON and (run := turn.following()):
        word = _take_up(Lease(run.pk, run.epoch, worker_id), turn, run)
    return word


class Turn:
    """The moment in which a worker takes one ready run after another by itself, without a way through the cluster.

    From its second run on it goes forward in the queue from where it stands, and looks at the head once nothing is left
    behind: what has become ready before it waits for the end of the turn, if no other worker is free.
    """

    def __init__(self, worker_id: uuid.UUID, *, seconds: float) -> None:
        self._worker_id = worker_id
        self._until = time.monotonic() + seconds
        self._is_asked = False
        self._taken: Run | None = None
        self._has_taken = False

    def complete(self, lease: Lease, run: Run, output: Any) -> None:
        """End a run and take the next in one statement. Raises NotAtOnce."""
        queue = "" if self._is_over() else Conf.CLUSTER_NAME
        self._taken = complete(lease, run, output, queue=queue, is_behind=self._has_taken)
        self._is_asked = bool(self._taken) or not self._has_taken

    def following(self) -> Run | None:
        """Return the next run, begun by this worker."""
        taken, is_asked = self._taken, self._is_asked
        self._taken, self._is_asked = None, False
        if not taken and not is_asked and not self._is_over():
            taken = self._first()
        self._has_taken = taken is not None
        return taken

    def _first(self) -> Run | None:
        try:
            return take(Conf.CLUSTER_NAME, worker_id=self._worker_id)
        except (DatabaseError, InterfaceError):
            connection.close()
            return None

    def _is_over(self) -> bool:
        return time.monotonic() >= self._until


def _take_up(lease: Lease, turn: Turn, run: Run | None = None) -> str:
    try:
        run = run or begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
        with heartbeat.this_process().driving(lease):
            return _drive(run, lease, turn)
    except LeaseLost:
        return "lost"
    except (DatabaseError, InterfaceError):
        log.exception("run %s: the database failed", lease.run_id)
        return _give_back(lease.run_id, epoch=lease.epoch)


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


def _drive(run: Run, lease: Lease, turn: Turn) -> str:
    lease = Lease.of(run, lease.worker_id)
    workflow = _workflow_of(run)
    if workflow is None:
        return _put_back(run, lease)
    if run.expires_at and run.started_at and run.started_at > run.expires_at:
        end_run(run, RunStatus.SKIPPED, among=held(lease), reason="it came to its turn too late")
        return "skipped"
    context = RunContext(run, lease, retry=workflow.retry)
    heartbeat.this_process().watch(context)
    try:
        with time_limit(_seconds_left(run), DeadlinePassed):
            output = _call(workflow, context, run)
        _complete(workflow, run, lease, output, turn)
    except Interrupt as interrupt:
        return _interrupted(run, lease, interrupt)
    except Exception as error:  # noqa: BLE001 - whatever a workflow raises is recorded on its run
        if is_lost(error):
            raise
        return _failed(run, lease, workflow, error)
    return "completed"


def _workflow_of(run: Run) -> Workflow | None:
    """Return the code of a run; None where this process does not know it (yet). Raises nothing."""
    if not registry.is_known(run.workflow):
        return None
    try:
        return registry.get(run.workflow, version=run.version)
    except NotFound:
        newest = registry.get(run.workflow)
        return None if run.version > newest.version else replace(newest, function=_gone)


def _gone(context: RunContext, **_input: Any) -> None:
    raise PermanentFailure(
        f"This run began under version {context.version}, and the code has no such version of its workflow any more."
        " Bring that back until its runs are over, or replay this one from its start."
    )


def _call(workflow: Workflow, context: RunContext, run: Run) -> Any:
    if workflow.cancel_on and cancelling.cancel_if_late(run):
        raise RunCancelled
    output = workflow.function(context, **workflow.inputs.read(run.input))
    if context.interrupt:
        raise SwallowedInterrupt(
            f"{run.workflow} caught BaseException and swallowed {context.interrupt!r}."
        )
    context.end()
    return output


def _complete(workflow: Workflow, run: Run, lease: Lease, output: Any, turn: Turn) -> None:
    """End a run as completed: at once where nothing else follows from it, else with all that follows."""
    if is_postgres() and not lease.slots and not workflow.cancel_on:
        with suppress(NotAtOnce):
            turn.complete(lease, run, output)
            return
    if not end_run(run, RunStatus.COMPLETED, among=held(lease), output=output, error=None):
        raise LeaseLost(f"run {run.pk} epoch {lease.epoch} is held by another")


def _seconds_left(run: Run) -> float | None:
    return (run.deadline_at - clock.now()).total_seconds() if run.deadline_at else None


def _put_back(run: Run, lease: Lease) -> str:
    """A workflow this code does not know (a deploy under way): another worker may know it, later."""
    log.warning("run %s: no workflow %r here; put back", run.public_id, run.workflow)
    due_at = clock.now() + timedelta(seconds=PUT_BACK_SECONDS)
    let_go(lease, status=RunStatus.WAITING, due_at=due_at)
    return "put back"


def _interrupted(run: Run, lease: Lease, interrupt: Interrupt) -> str:
    if isinstance(interrupt, Parked):
        return "waiting"
    if isinstance(interrupt, Suspended):
        return _suspended(run, lease, interrupt)
    if isinstance(interrupt, RunCancelled):
        cancel_run(run, among=held(lease))
        return "cancelled"
    if isinstance(interrupt, RunPaused):
        paused = {"status": RunStatus.PAUSED, "pause_requested_at": None, **FORGIVEN}
        return _rest(run, lease, "paused", heeding=[Wish.CANCEL], **paused)
    if isinstance(interrupt, DeadlinePassed):
        fail_run(run, among=held(lease), error=deadlines.LATE)
        return "failed"
    raise interrupt


def _suspended(run: Run, lease: Lease, suspended: Suspended) -> str:
    sleeps = not (suspended.to_the_back and suspended.due_at <= clock.now())
    changes: dict[str, Any] = {
        "status": _WAITING_UNLESS_WOKEN if sleeps else RunStatus.READY,
        "due_at": suspended.due_at,
        "is_woken": False,
        **FORGIVEN,
    }
    if suspended.to_the_back:
        changes["sort_at"] = suspended.due_at
    return _rest(run, lease, "waiting", **changes)


def _rest(run: Run, lease: Lease, word: str, **changes: Any) -> str:
    """Let the run go, or do what somebody asked of it just before."""
    wish = rest(lease, **changes)
    if wish is Wish.NONE:
        return word
    return _interrupted(run, lease, RunCancelled() if wish is Wish.CANCEL else RunPaused())


def _failed(run: Run, lease: Lease, workflow: Workflow, error: Exception) -> str:
    """An error outside of steps: the run's own table of retries, then the end."""
    if isinstance(error, RetryAfter):
        return _rest(run, lease, "waiting", status=RunStatus.WAITING, due_at=error.until)
    step = _failed_step(run)
    final = is_final(error) or isinstance(error, SwallowedInterrupt) or bool(step)
    delay = None if final else _delay(lease, workflow)
    if delay is not None:
        due_at = clock.now() + timedelta(seconds=delay)
        changes = {"due_at": due_at, "attempts": F("attempts") + 1, "error": describe(error)}
        return _rest(run, lease, "retrying", status=RunStatus.WAITING, **changes)
    if not fail_run(run, among=held(lease), error=describe(error, step=step)):
        raise LeaseLost(f"run {run.pk} epoch {lease.epoch} is held by another")
    log.warning("run %s failed: %s", run.public_id, type(error).__name__)
    return "failed"


def _delay(lease: Lease, workflow: Workflow) -> float | None:
    attempts = held(lease).values_list("attempts", flat=True).first() or 0
    return workflow.retry.delay_after(attempts + 1)


def _failed_step(run: Run) -> str:
    """Return the step in which the run ended, or nothing where the error stands outside of steps."""
    key = run.steps.filter(status="failed").values_list("key", flat=True).last()
    return key or ""

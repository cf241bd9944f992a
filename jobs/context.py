"""What a workflow function sees of its run.

The function is entered from the top whenever the run wakes; finished steps answer from their checkpoint. So keep what
has an effect inside steps, and do not catch BaseException: leaving early is how a run gives its worker back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core import clock
from core.errors import PermanentFailure, RetryAfter
from jobs import checkpoints, progress
from jobs.checkpoints import StepRecord
from jobs.database import is_lost, json_of
from jobs.endings import describe
from jobs.interrupts import Interrupt, RunCancelled, Suspended
from jobs.leases import Lease, renew
from jobs.models import Run, StepAttempt
from jobs.retrying import Retry, is_final
from jobs.states import StepKind, StepStatus


class StepFailed(PermanentFailure):
    """A step ended for good in an earlier life of the run; raised again where it stood."""


class StepMismatch(PermanentFailure):
    """The code no longer fits the run: a step of this name was of another kind."""


class RunContext:
    """The `run` argument of a workflow."""

    def __init__(self, run: Run, lease: Lease, *, retry: Retry) -> None:
        self._run = run
        self._lease = lease
        self._retry = retry
        self._known = {step.key: step for step in map(_recorded, run.steps.all())}
        self._seen: Counter[str] = Counter()
        self._depth = len(connection.atomic_blocks)
        self._progress = progress.Reporter(lease)
        self.current: StepRecord | None = None
        self.interrupt: Interrupt | None = None

    @property
    def id(self) -> str:
        return self._run.public_id

    @property
    def actor(self) -> str:
        """Who started the run."""
        return self._run.actor

    @property
    def idempotency_key(self) -> str:
        """A key for the outside that stays the same over every attempt of the present step."""
        assert self.current, "idempotency_key is for use inside a step"
        return f"{self._run.public_id}:{self.current.key}"

    # --- steps -----------------------------------------------------------------------------------------------------

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        retry: Retry | None = None,
        **kw: Any,
    ) -> Any:
        """Run something outside of any transaction, at least once, and keep its (JSON) answer."""
        return self._checkpointed(name, StepKind.OUTSIDE, lambda: function(*args, **kw), retry)

    def transaction(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        retry: Retry | None = None,
        **kw: Any,
    ) -> Any:
        """Run something in one transaction together with its checkpoint: exactly once."""
        return self._checkpointed(name, StepKind.DATABASE, lambda: function(*args, **kw), retry)

    def sleep(self, name: str, seconds: float) -> None:
        """Wait so long, holding no worker."""
        self.sleep_until(name, clock.now() + timedelta(seconds=seconds))

    def sleep_until(self, name: str, at: datetime) -> None:
        """Wait until a moment, holding no worker. The moment is stored once and survives restarts."""
        record = self._enter(name, StepKind.SLEEP)
        if record.status == StepStatus.COMPLETED:
            return
        record.wake_at = record.wake_at or at
        if clock.now() < record.wake_at:
            record.status = StepStatus.WAITING
            self._save(record)
            self._leave(Suspended(record.wake_at))
        self._complete(record, None)

    def snooze(self, seconds: float = 0) -> None:
        """Give the worker back and be entered from the top after so long, behind the runs that wait then."""
        self._leave(Suspended(clock.now() + timedelta(seconds=seconds), to_the_back=True))

    # --- staying in touch ------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Prove and extend the lease, in the caller's transaction if there is one; count as progress.

        Ends the run here if somebody cancelled it, or if it is held by another.
        """
        self._heed(renew(self._lease))

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Show how far the run (and the present step) has come; written at most twice a second, and at the end."""
        self._progress.report(done, total, text, step=self.current)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _checkpointed(
        self, name: str, kind: StepKind, work: Callable[[], Any], retry: Retry | None
    ) -> Any:
        record = self._enter(name, kind)
        if record.status == StepStatus.COMPLETED:
            return record.output
        if record.status == StepStatus.FAILED:
            raise StepFailed((record.error or {}).get("message", ""))
        record.started_at = clock.now()
        self.current = record
        try:
            if kind is StepKind.DATABASE:
                return self._in_one_transaction(record, work)
            return self._complete(record, work())
        except Exception as error:  # noqa: BLE001 - whatever an author's step raises is recorded, then decided on
            if is_lost(error):
                raise  # not the step's fault, and nothing can be recorded: the run is given back
            return self._failed(record, error, retry or self._retry)
        finally:
            self.current = None

    def _enter(self, name: str, kind: StepKind) -> StepRecord:
        if len(connection.atomic_blocks) > self._depth:
            raise PermanentFailure(
                f"Step {name!r} stands inside a transaction; its checkpoint could be undone."
            )
        if self.current:
            raise PermanentFailure(f"Step {name!r} stands inside step {self.current.key!r}.")
        self._seen[name] += 1
        occurrence = self._seen[name]
        key = name if occurrence == 1 else f"{name}#{occurrence}"
        record = self._known.setdefault(key, StepRecord(key, kind))
        if record.kind != kind:
            raise StepMismatch(
                f"Step {key!r} of this run was of kind {record.kind}, and the code now says {kind}."
                " Give the new step another name."
            )
        return record

    def _in_one_transaction(self, record: StepRecord, work: Callable[[], Any]) -> Any:
        """The checkpoint comes last: the run's row is the last lock taken, and a lost lease undoes the effect."""
        with transaction.atomic():
            done, is_cancelling = self._write_completed(record, work())
        return self._keep(done, is_cancelling)

    def _complete(self, record: StepRecord, output: Any) -> Any:
        return self._keep(*self._write_completed(record, output))

    def _write_completed(self, record: StepRecord, output: Any) -> tuple[StepRecord, bool]:
        done = replace(
            record,
            status=StepStatus.COMPLETED,
            attempts=record.attempts + 1,
            output=_as_json(output, step=record.key),
            error=None,
            finished_at=clock.now(),
        )
        return done, checkpoints.save(self._lease, done)

    def _keep(self, done: StepRecord, is_cancelling: bool) -> Any:
        self._known[done.key] = done
        self._heed(is_cancelling)
        return done.output

    def _failed(self, record: StepRecord, error: Exception, retry: Retry) -> Any:
        """Record a failed attempt; wait for the next one, or raise the error where it stands."""
        record.error = describe(error, step=record.key)
        if isinstance(error, RetryAfter):
            record.status = StepStatus.RETRYING
            self._save_attempt(record)
            self._leave(Suspended(error.until))
        record.attempts += 1
        delay = None if is_final(error) else retry.delay_after(record.attempts)
        record.status = StepStatus.FAILED if delay is None else StepStatus.RETRYING
        self._save_attempt(record)
        if delay is None:
            raise error
        self._leave(Suspended(clock.now() + timedelta(seconds=delay)))

    def _save_attempt(self, record: StepRecord) -> None:
        with transaction.atomic():
            is_cancelling = checkpoints.save(self._lease, record)
            StepAttempt.objects.create(
                run_id=self._lease.run_id,
                key=record.key,
                number=record.attempts,
                epoch=self._lease.epoch,
                worker_id=self._lease.worker_id,
                started_at=record.started_at,
                finished_at=clock.now(),
                error=record.error,
            )
        self._heed(is_cancelling)

    def _save(self, record: StepRecord) -> None:
        self._heed(checkpoints.save(self._lease, record))

    def _heed(self, is_cancelling: bool) -> None:
        if is_cancelling:
            self._leave(RunCancelled())

    def _leave(self, interrupt: Interrupt) -> None:
        """Leave the function, remembering why: if somebody swallows it, the run fails and says so."""
        self.interrupt = interrupt
        raise interrupt


def _as_json(output: Any, *, step: str) -> Any:
    """Return an output as a later life of the run will read it, so that both lives see the same."""
    try:
        return json.loads(json_of(output))
    except (TypeError, ValueError) as error:
        raise PermanentFailure(f"The output of step {step!r} is not JSON: {error}.") from error


def _recorded(step: Any) -> StepRecord:
    return StepRecord(
        key=step.key,
        kind=StepKind(step.kind),
        status=StepStatus(step.status),
        attempts=step.attempts,
        output=step.output,
        error=step.error,
        progress_done=step.progress_done,
        progress_total=step.progress_total,
        progress_text=step.progress_text,
        wake_at=step.wake_at,
        started_at=step.started_at,
        finished_at=step.finished_at,
    )

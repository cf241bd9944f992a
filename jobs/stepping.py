"""How steps are entered, checkpointed, failed and left: the inside of a run's context."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from core import clock
from core.api.parsing import why_unstorable
from core.errors import PermanentFailure, RetryAfter
from jobs import checkpoints, children, deadlines, progress, slots
from jobs.checkpoints import StepRecord
from jobs.children import Brood, ChildrenFailed, Failures
from jobs.database import is_lost
from jobs.endings import cancel_children, describe, fail_run
from jobs.events import waiting
from jobs.events.finding import On, Received
from jobs.interrupts import (
    DeadlinePassed,
    Interrupt,
    Parked,
    RunCancelled,
    RunPaused,
    Suspended,
)
from jobs.leases import Lease, Wish, held, let_go
from jobs.models import Run, StepAttempt
from jobs.retrying import Retry, is_final
from jobs.states import RunStatus, StepKind, StepStatus
from jobs.timelimits import StepTimedOut, time_limit

#: As the encoder spells what no database keeps; only where it stands are texts looked at one by one.
UNSTORABLE_ESCAPE = re.compile(r"\\u(0000|d[89a-f])")
LONGEST_KEY = 200


class StepFailed(PermanentFailure):
    """A step ended for good in an earlier life of the run; raised again where it stood."""


class StepMismatch(PermanentFailure):
    """The code no longer fits the run: it was changed in a way that a run under way cannot follow."""


class Stepping:
    """One entry of a workflow function: what its run knows by now, and the only ways on and out."""

    def __init__(self, run: Run, lease: Lease, *, retry: Retry) -> None:
        self._run = run
        self._lease = lease
        self._retry = retry
        steps = () if run.is_new else run.steps.all()
        self._known = {step.key: step for step in map(_recorded, steps)}
        #: Recorded steps that the function has not come to yet: while there are any, it is being replayed.
        self._unseen = set(self._known)
        self._seen: Counter[str] = Counter()
        self._depth = len(connection.atomic_blocks)
        self._progress = progress.Reporter(lease)
        self.current: StepRecord | None = None
        self.retry = retry
        self.interrupt: Interrupt | None = None

    def _sleep(self, record: StepRecord, at: datetime) -> None:
        if record.status == StepStatus.COMPLETED:
            return
        record.wake_at = at
        if clock.now() < at:
            record.status = StepStatus.WAITING
            self._save(record)
            self._leave(Suspended(at))
        self._complete(record, None)

    def _checkpointed(
        self,
        name: str,
        kind: StepKind,
        work: Callable[[], Any],
        retry: Retry | None,
        timeout: float | None,
    ) -> Any:
        record = self._enter(name, kind)
        if record.status == StepStatus.COMPLETED:
            return record.output
        self._raise_if_failed(record)
        self._wait_for_its_turn(record)
        record.started_at = clock.now()
        self.current, self.retry = record, retry or self._retry
        try:
            return self._attempt(record, _within(timeout, work, step=record.key))
        except Exception as error:  # noqa: BLE001 - whatever an author's step raises is recorded, then decided on
            if isinstance(error, StepTimedOut) and not connection.is_usable():
                connection.close()  # it was stopped in the middle of a statement
            if is_lost(error):
                raise  # not the step's fault, and nothing can be recorded: the run is given back
            return self._failed(record, error)
        finally:
            self.current = None

    def _attempt(self, record: StepRecord, work: Callable[[], Any]) -> Any:
        if record.kind is StepKind.DATABASE:
            return self._in_one_transaction(record, work)
        return self._complete(record, work())

    def _raise_if_failed(self, record: StepRecord) -> None:
        if record.status == StepStatus.FAILED:
            raise StepFailed((record.error or {}).get("message", ""))

    def _wait_for_its_turn(self, record: StepRecord) -> None:
        """A run that was woken early (by a person's resuming, say) does not spend an attempt early."""
        again_at = record.wake_at if record.status == StepStatus.RETRYING else None
        if again_at is not None and clock.now() < again_at:
            self._leave(Suspended(again_at))

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
        if len(key) > LONGEST_KEY:
            raise PermanentFailure(
                f"Step {key[:50]!r}… has a name of {len(key)} characters; at most {LONGEST_KEY} can be kept."
            )
        self._unseen.discard(key)
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
            done, wish = self._write_completed(record, work())
        return self._keep(done, wish)

    def _complete(self, record: StepRecord, output: Any) -> Any:
        return self._keep(*self._write_completed(record, output))

    def _write_completed(self, record: StepRecord, output: Any) -> tuple[StepRecord, Wish]:
        done = replace(
            record,
            status=StepStatus.COMPLETED,
            attempts=record.attempts + 1,
            output=_as_json(output, step=record.key),
            error=None,
            finished_at=clock.now(),
        )
        return done, checkpoints.save(self._lease, done)

    def _keep(self, done: StepRecord, wish: Wish) -> Any:
        self._known[done.key] = done
        self._heed(wish)
        return done.output

    def _received(self, record: StepRecord, wanted: Sequence[On]) -> StepRecord:
        """Complete a wait by what it waited for, or by its time being over; else write what it waits for, and leave."""
        with transaction.atomic():
            event = waiting.look(self._run, wanted, until=record.wake_at)
            is_over = record.wake_at is not None and record.wake_at <= clock.now()
            if event is None and not is_over:
                waiting.stand(self._run, wanted, step=record.key)
                self._park(record)
            else:
                waiting.settle(self._run, event, step=record.key)
                output = Received.of(event).kept() if event else None
                done, wish = self._write_completed(record, output)
        if event is None and not is_over:
            self._leave(Parked())
        self._keep(done, wish)
        return done

    def _joined(self, name: str, brood: Brood) -> dict[str, Any]:
        """Return what the children of a step came to; the first time, start them and wait."""
        record = self._enter(name, StepKind.CHILDREN)
        if record.status == StepStatus.COMPLETED:
            return dict(record.output)
        self._raise_if_failed(record)
        with transaction.atomic():
            is_waiting = self._starts_or_waits(record, brood)
            if is_waiting:
                self._park(record)
        if is_waiting:
            self._leave(Parked())
        kept = children.results(self._run, record.key)
        if kept["failed"] and brood.failures is not Failures.KEEP:
            return self._children_failed(record, kept)
        return dict(self._complete(record, kept))

    def _starts_or_waits(self, record: StepRecord, brood: Brood) -> bool:
        """Start the children, or those that failed once more; tell whether any are to be waited for."""
        if record.status == StepStatus.RUNNING:
            if not brood.inputs:
                return False
            brood.start(self._run, record.key)
        if record.status == StepStatus.RETRYING:
            children.take_up_again(self._run, record.key, parallel=brood.parallel)
        join = children.remaining(self._run, record.key)
        return join.remaining > 0 and not (join.is_impatient and join.failed)

    def _park(self, record: StepRecord) -> None:
        """Write what the run waits for and let it go, in the caller's transaction; then leave with Parked."""
        record.status = StepStatus.WAITING
        if self._lease.slots:
            slots.lock()  # before the run's row, as everywhere
        self._save(record)
        self._before_leaving(record.key)
        let_go(self._lease, status=RunStatus.WAITING, due_at=record.wake_at, crashes=0, attempts=0)

    def _children_failed(self, record: StepRecord, kept: dict[str, Any]) -> Any:
        failed = children.failures_of(kept)
        error = ChildrenFailed(list(failed.values()), of=len(kept["outputs"]))
        cancel_children(self._run.pk, by=f"run:{self._run.public_id}", step=record.key)
        self.retry = Retry(())
        return self._failed(record, error)

    def _failed(self, record: StepRecord, error: Exception) -> Any:
        """Record a failed attempt; wait for the next one, or raise the error where it stands."""
        again_at = self.record_failure(record, error)
        if again_at is None:
            raise error
        self._leave(Suspended(again_at))

    def record_failure(self, record: StepRecord, error: Exception) -> datetime | None:
        """Write down a failed attempt; return when the next is due, or None when there is none."""
        record.error = describe(error, step=record.key)
        record.finished_at = None
        if isinstance(error, RetryAfter):
            record.status, record.wake_at = StepStatus.RETRYING, error.until
        else:
            record.attempts += 1
            delay = None if is_final(error) else self.retry.delay_after(record.attempts)
            record.status = StepStatus.FAILED if delay is None else StepStatus.RETRYING
            record.wake_at = None if delay is None else clock.now() + timedelta(seconds=delay)
        self._heed(self._save_attempt(record))
        return record.wake_at

    def abandon(self) -> None:
        """Give the run up from outside, because its code does not stop: the present step has failed."""
        step = self.current
        if step is None:
            fail_run(self._run, among=held(self._lease), error=deadlines.LATE)
            return
        error = StepTimedOut(f"Step {step.key!r} did not stop at its limit of time.")
        again_at = self.record_failure(step, error)
        if again_at is not None:
            let_go(self._lease, status=RunStatus.WAITING, due_at=again_at)
        else:
            fail_run(self._run, among=held(self._lease), error=step.error or {})

    def _save_attempt(self, record: StepRecord) -> Wish:
        with transaction.atomic():
            wish = checkpoints.save(self._lease, record)
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
        return wish

    def _save(self, record: StepRecord) -> None:
        self._heed(checkpoints.save(self._lease, record))

    def _heed(self, wish: Wish) -> None:
        if wish is Wish.CANCEL:
            self._leave(RunCancelled())
        if wish is Wish.PAUSE:
            self._leave(RunPaused())
        deadline = self._run.deadline_at
        if deadline is not None and clock.now() >= deadline:
            self._leave(DeadlinePassed())

    def _leave(self, interrupt: Interrupt) -> None:
        """Leave the function, remembering why: if somebody swallows it, the run fails and says so."""
        if isinstance(interrupt, Suspended):
            self._before_leaving()
        self.interrupt = interrupt
        raise interrupt

    def _before_leaving(self, present: str = "") -> None:
        """The function waits again, or ends: it must have come by the step that the run waited in before."""
        for key in self._unseen - {present}:
            pending = self._known[key]
            if pending.status in (StepStatus.WAITING, StepStatus.RETRYING):
                raise StepMismatch(
                    f"The code was changed: this run stood in step {key!r} ({pending.kind}), and the code does not come"
                    f" to it any more. Bring the step back, let older runs go the old way with run.patched(…) or an"
                    f" older version of the workflow, or replay this run from its start."
                )

    def end(self) -> None:
        """The function has returned: see that it came by all that the run stood in."""
        self._before_leaving()


def _within(seconds: float | None, work: Callable[[], Any], *, step: str) -> Callable[[], Any]:
    """Return work that is stopped after so many seconds."""
    if seconds is None:
        return work

    def limited() -> Any:
        message = f"Step {step!r} took longer than its {seconds:g} s."
        with time_limit(seconds, lambda: StepTimedOut(message)):
            return work()

    return limited


def _as_json(output: Any, *, step: str) -> Any:
    """Return an output as a later life of the run will read it, so that both lives see the same.

    What cannot be kept fails the step for good: its work is done, and another attempt would do it again.
    """
    try:
        text = json.dumps(output, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PermanentFailure(f"The output of step {step!r} is not JSON: {error}.") from error
    kept = json.loads(text)
    if UNSTORABLE_ESCAPE.search(text) and (reason := why_unstorable(kept)):
        raise PermanentFailure(f"The output of step {step!r} has {reason}.")
    return kept


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

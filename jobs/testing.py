"""Drives runs inside the present process, for tests and rehearsals: same claims, same code, no cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from core import clock
from core.ids import uuid7
from jobs import deadlines, heartbeat, reaper, schedules, timers
from jobs.checkpoints import StepRecord
from jobs.context import RunContext
from jobs.events import dispatching
from jobs.leases import Wish, claim
from jobs.models import Run
from jobs.worker import drive


def run_one(*, queue: str = "main") -> str | None:
    """Claim and drive the next ready run; return how it went, or None when none is ready."""
    heartbeat.be_quiet()
    lease = claim(queue, worker_id=uuid7())
    return drive(str(lease.run_id), lease.epoch) if lease else None


def history(run: Run) -> list[tuple[str, str]]:
    """Return the steps of a run and how each stands, in the order in which they began."""
    steps = run.steps.order_by("started_at", "finished_at", "key")
    return list(steps.values_list("key", "status"))


class Crash(BaseException):
    """The end of a worker process, as far as a test in one process can have one."""


def crash_after(run: Run, step: str) -> None:
    """Drive runs until this one has completed a step, and there let its worker die; the reaper finds it as it would.

    Raises AssertionError where the run never comes to that step.
    """
    heartbeat.be_quiet()
    with _deadly(run, step):
        for _ in range(1_000):
            timers.promote_due()
            try:
                if run_one() is None:
                    break
            except Crash:
                run.refresh_from_db()
                reaper.give_back(run.pk, epoch=run.epoch)
                run.refresh_from_db()
                return
    raise AssertionError(f"{run.public_id} never completed a step {step!r}")


@contextmanager
def _deadly(run: Run, key: str) -> Iterator[None]:
    """Make the committed checkpoint of one step the last thing its process does."""
    keep = RunContext._keep

    def keep_and_die(context: RunContext, done: StepRecord, wish: Wish) -> Any:
        if (context.id, done.key) == (run.public_id, key):
            raise Crash
        return keep(context, done, wish)

    setattr(RunContext, "_keep", keep_and_die)  # noqa: B010 - a method, for as long as the block lasts
    try:
        yield
    finally:
        setattr(RunContext, "_keep", keep)  # noqa: B010


def run_until(moment: datetime, *, limit: int = 1_000) -> int:
    """Let everything happen that is due up to a moment, each at its own time; return how often a run was entered.

    The clock is put back at the end, so that a rehearsal goes from moment to moment.
    """
    present = clock.now()
    entered = run_until_idle(limit=limit)
    while present < moment:
        due = timers.next_due()
        present = min(max(due, present), moment) if due else moment
        with clock.travel(to=present):
            entered += run_until_idle(limit=limit)
    return entered


def run_until_idle(*, advance: bool = False, cron: bool = False, limit: int = 1_000) -> int:
    """Drive runs until none is ready, waking timers that are due; return how many times a run was entered.

    With `advance` the clock jumps to the next timer (and is put back at the end), so sleeping runs are driven to their
    end too.
    """
    entered = 0
    with ExitStack() as journey:
        while entered < limit:
            if cron:
                schedules.fire_due()
            dispatching.dispatch_new()
            timers.promote_due()
            deadlines.enforce()
            if run_one() is not None:
                entered += 1
                continue
            due = timers.next_due()
            if not advance or due is None:
                return entered
            journey.enter_context(clock.travel(to=max(due, clock.now())))
    raise AssertionError(f"still busy after {limit} entries")

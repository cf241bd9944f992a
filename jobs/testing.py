"""Drives runs inside the present process, for tests and rehearsals: same claims, same code, no cluster."""

from __future__ import annotations

from contextlib import ExitStack

from core import clock
from core.ids import uuid7
from jobs import deadlines, heartbeat, schedules, timers
from jobs.events import dispatching
from jobs.leases import claim
from jobs.worker import drive


def run_one(*, queue: str = "main") -> str | None:
    """Claim and drive the next ready run; return how it went, or None when none is ready."""
    heartbeat.be_quiet()
    lease = claim(queue, worker_id=uuid7())
    return drive(str(lease.run_id), lease.epoch) if lease else None


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

"""The statuses of runs and steps, and the only moves between them."""

from __future__ import annotations

from django.db import models


class RunStatus(models.TextChoices):
    """Where a run stands."""

    READY = "ready", "Ready"  #: waits for a worker
    CLAIMED = "claimed", "Claimed"  #: handed to a cluster, not yet started
    RUNNING = "running", "Running"  #: a worker process drives it
    WAITING = "waiting", "Waiting"  #: until `due_at`, an event, or the last of its children
    BLOCKED = "blocked", "Blocked"  #: until one of those that use up its limit has ended
    PAUSED = "paused", "Paused"  #: until a person resumes it
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"  #: kept until a person retries it
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Skipped"  #: never begun; `reason` says why


class StepStatus(models.TextChoices):
    """Where a step stands."""

    RUNNING = "running", "Running"  #: has shown progress, has not ended
    RETRYING = "retrying", "Retrying"  #: failed, will be tried again
    WAITING = "waiting", "Waiting"  #: for a time, an event or children
    COMPLETED = "completed", "Completed"  #: its output stands for ever
    FAILED = "failed", "Failed"


class StepKind(models.TextChoices):
    """What a step promises."""

    OUTSIDE = "outside", "Outside"  #: at least once, no transaction
    DATABASE = "database", "Database"  #: exactly once, with its checkpoint
    SLEEP = "sleep", "Sleep"
    WAIT = "wait", "Wait for an event"
    CHILDREN = "children", "Children"  #: runs that it started and joins
    MARK = "mark", "Mark"  #: a decision that stands for the rest of the run


OVER = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED})
ACTIVE = frozenset(RunStatus) - OVER
#: A worker has it, or is about to.
HELD = frozenset({RunStatus.CLAIMED, RunStatus.RUNNING})
#: No worker has it, and it is not over: whoever wants it elsewhere may put it there at once.
AT_REST = ACTIVE - HELD

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.READY: frozenset(
        {
            RunStatus.CLAIMED,
            RunStatus.RUNNING,  # a worker that has just come free takes it by itself
            RunStatus.WAITING,  # a throttle gave it a later start
            RunStatus.BLOCKED,
            RunStatus.PAUSED,
            RunStatus.FAILED,  # its deadline passed
            RunStatus.CANCELLED,
        }
    ),
    RunStatus.CLAIMED: frozenset(
        {
            RunStatus.RUNNING,
            RunStatus.READY,
            RunStatus.PAUSED,
            RunStatus.FAILED,
            RunStatus.CANCELLED,
            RunStatus.SKIPPED,  # it came to its turn too late
        }
    ),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.WAITING,
            RunStatus.READY,
            RunStatus.PAUSED,
            RunStatus.COMPLETED,
            RunStatus.FAILED,
            RunStatus.CANCELLED,
        }
    ),
    RunStatus.WAITING: frozenset(
        {RunStatus.READY, RunStatus.PAUSED, RunStatus.FAILED, RunStatus.CANCELLED}
    ),
    RunStatus.BLOCKED: frozenset(
        {RunStatus.READY, RunStatus.PAUSED, RunStatus.FAILED, RunStatus.CANCELLED}
    ),
    RunStatus.PAUSED: frozenset({RunStatus.READY, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset({RunStatus.READY}),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.SKIPPED: frozenset(),
}

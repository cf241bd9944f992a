"""The statuses of runs and steps, and the only moves between them."""

from __future__ import annotations

from django.db import models


class RunStatus(models.TextChoices):
    """Where a run stands."""

    READY = "ready", "Ready"  #: waits for a worker
    CLAIMED = "claimed", "Claimed"  #: handed to a cluster, not yet started
    RUNNING = "running", "Running"  #: a worker process drives it
    WAITING = "waiting", "Waiting"  #: sleeps until `due_at`
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"  #: kept until a person retries it
    CANCELLED = "cancelled", "Cancelled"


class StepStatus(models.TextChoices):
    """Where a step stands."""

    RUNNING = "running", "Running"  #: has shown progress, has not ended
    RETRYING = "retrying", "Retrying"  #: failed, will be tried again
    WAITING = "waiting", "Waiting"  #: a sleep that has not ended
    COMPLETED = "completed", "Completed"  #: its output stands for ever
    FAILED = "failed", "Failed"


class StepKind(models.TextChoices):
    """What a step promises."""

    OUTSIDE = "outside", "Outside"  #: at least once, no transaction
    DATABASE = "database", "Database"  #: exactly once, with its checkpoint
    SLEEP = "sleep", "Sleep"


OVER = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
ACTIVE = frozenset(RunStatus) - OVER

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.READY: frozenset({RunStatus.CLAIMED, RunStatus.CANCELLED}),
    RunStatus.CLAIMED: frozenset({RunStatus.RUNNING, RunStatus.READY, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.WAITING,
            RunStatus.READY,
            RunStatus.COMPLETED,
            RunStatus.FAILED,
            RunStatus.CANCELLED,
        }
    ),
    RunStatus.WAITING: frozenset({RunStatus.READY, RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset({RunStatus.READY}),
    RunStatus.CANCELLED: frozenset(),
}

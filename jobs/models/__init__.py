"""The engine's nouns. A run's row is also its place in the queue: whatever is committed here is never lost."""

from __future__ import annotations

from jobs.models.events import (
    EffectKind,
    Event,
    EventEffect,
    EventKey,
    EventQuerySet,
    EventShape,
    Wait,
    WaitKind,
)
from jobs.models.gathering import Gathering
from jobs.models.holds import Hold
from jobs.models.limits import Bucket
from jobs.models.processes import ProcessKind, WorkerProcess
from jobs.models.runs import Join, Run, RunQuerySet, Step, StepAttempt
from jobs.models.schedules import Schedule

__all__ = [
    "Bucket",
    "EffectKind",
    "Event",
    "EventEffect",
    "EventKey",
    "EventQuerySet",
    "EventShape",
    "Gathering",
    "Hold",
    "Join",
    "ProcessKind",
    "Run",
    "RunQuerySet",
    "Schedule",
    "Step",
    "StepAttempt",
    "Wait",
    "WaitKind",
    "WorkerProcess",
]

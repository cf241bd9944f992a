"""The steps of a run as people look at them: in order, with how long each took and what went wrong on the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count

from core import clock
from jobs.models import Run, Step, StepAttempt


@dataclass(frozen=True, slots=True)
class StepView:
    """A step, its failed attempts, and where its bar stands on the run's time line (in percent)."""

    step: Step
    failed_attempts: list[StepAttempt]
    seconds: float
    offset: float
    width: float


def steps_of(run: Run) -> list[StepView]:
    """Return the steps of a run in the order in which they began."""
    start = run.started_at or run.created_at
    end = run.finished_at or clock.now()
    whole = max((end - start).total_seconds(), 0.001)
    attempts: dict[str, list[StepAttempt]] = defaultdict(list)
    for attempt in run.failed_attempts.all():
        attempts[attempt.key].append(attempt)
    return [
        _view(step, attempts[step.key], start=start.timestamp(), whole=whole)
        for step in run.steps.order_by("started_at")
    ]


def count_children(run: Run) -> dict[str, int]:
    """Return how many runs a run started, by status."""
    rows = Run.objects.filter(parent=run).values_list("status").annotate(count=Count("pk"))
    return dict(rows.order_by("status"))


def _view(step: Step, failed: list[StepAttempt], *, start: float, whole: float) -> StepView:
    began = step.started_at.timestamp() - start
    ended = (step.finished_at or clock.now()).timestamp() - start
    offset = min(max(100 * began / whole, 0), 100)
    width = min(max(100 * (ended - began) / whole, 0.5), 100 - offset)
    return StepView(step, failed, max(ended - began, 0), round(offset, 2), round(width, 2))

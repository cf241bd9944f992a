"""Replay: a new run of what once ran, from its start or from a step of choice, also with other input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core import audit
from core.errors import Conflict, NotFound
from jobs import registry, rows_of_runs
from jobs.drafting import draft_run
from jobs.models import EffectKind, EventEffect, Run, Step
from jobs.starting import be_single
from jobs.states import RunStatus, StepStatus


@transaction.atomic
def replay_run(
    run: Run, *, actor: str, from_step: str = "", input: Mapping[str, Any] | None = None
) -> Run:
    """Start a run over again under the newest code, as a new run; the old one stays as it is.

    With `from_step`, what was completed before that step is taken over and not executed again. It has the events that
    started the old run, and waits for new ones. Raises Conflict when the old run is not over or another run of a
    singleton is, NotFound for a step that it does not have, Refused for input that does not fit.
    """
    run.refresh_from_db()
    if not run.is_over:
        raise Conflict(
            f"Run {run.public_id} is {run.get_status_display().lower()}.",
            field="status",
            value=run.status,
            remedy="Only a run that is over can be replayed. Cancel it first.",
        )
    kept = _steps_before(run, from_step) if from_step else []
    known = registry.get(run.workflow)
    again = draft_run(
        known, input=run.input if input is None else input, actor=actor, queue=run.queue
    )
    again.replay_of, again.event = run, run.event
    again.epoch = 1  # it has steps before its first claim
    be_single(again, known)
    if again.status == RunStatus.SKIPPED or not rows_of_runs.insert(again):
        raise Conflict(
            f"Run {run.public_id} cannot be replayed now. {again.reason}".strip(),
            field="status",
            value=run.status,
            remedy="Another run of this singleton is under way. Wait for its end, or cancel it.",
        )
    Step.objects.bulk_create([_copy(step, again) for step in kept])
    EventEffect.objects.bulk_create([_of(effect, again) for effect in _starts(run)])
    audit.record("run.replay", again, actor=actor, of=run.public_id, from_step=from_step)
    return again


def _starts(run: Run) -> QuerySet[EventEffect]:
    return EventEffect.objects.filter(run=run, kind=EffectKind.STARTED)


def _of(effect: EventEffect, again: Run) -> EventEffect:
    return EventEffect(
        event_id=effect.event_id,
        run=again,
        workflow=again.workflow,
        kind=EffectKind.STARTED,
        detail="as a replay",
    )


def steps_that_run_again(run: Run, from_step: str) -> list[Step]:
    """Return the steps of a run that a replay executes once more, in their order: what a person should know before."""
    kept = {step.key for step in _steps_before(run, from_step)} if from_step else set()
    return [step for step in _in_order(run) if step.key not in kept]


def _steps_before(run: Run, from_step: str) -> list[Step]:
    steps = _in_order(run)
    keys = [step.key for step in steps]
    if from_step not in keys:
        raise NotFound(
            f"Run {run.public_id} has no step {from_step!r}.",
            field="from_step",
            value=from_step,
            remedy=f"Its steps are: {', '.join(keys) or 'none'}.",
        )
    before = steps[: keys.index(from_step)]
    return [step for step in before if step.status == StepStatus.COMPLETED]


def _in_order(run: Run) -> list[Step]:
    return list(run.steps.order_by("started_at", "finished_at", "key"))


def _copy(step: Step, again: Run) -> Step:
    copied = Step(run=again, key=step.key)
    for field in _COPIED:
        setattr(copied, field, getattr(step, field))
    return copied


_COPIED = (
    "kind",
    "status",
    "attempts",
    "output",
    "progress_done",
    "progress_total",
    "progress_text",
    "wake_at",
    "started_at",
    "finished_at",
)

"""How runs end badly: one transition, and the workflow that its author wants to hear of it."""

from __future__ import annotations

import traceback
from typing import Any

from django.db import transaction

from core import clock
from jobs import registry
from jobs.models import Run, RunQuerySet
from jobs.starting import start_run
from jobs.states import RunStatus


def describe(error: BaseException, *, step: str = "") -> dict[str, str]:
    """Return an error as it is kept on runs and steps."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
        "step": step,
    }


def fail_run(held: RunQuerySet, *, error: dict[str, Any]) -> bool:
    """Fail the one running run of a queryset and start its workflow's `on_failure`, together.

    Returns False, changing nothing, where the queryset no longer matches.
    """
    with transaction.atomic():
        run = held.first()
        if run is None:
            return False
        changed = held.filter(pk=run.pk, status=RunStatus.RUNNING, epoch=run.epoch).update(
            status=RunStatus.FAILED,
            error=error,
            finished_at=clock.now(),
            worker_id=None,
            lease_until=None,
        )
        if changed:
            _tell_author(run, error)
        return bool(changed)


def _tell_author(run: Run, error: dict[str, Any]) -> None:
    if not registry.is_known(run.workflow):
        return
    listener = registry.get(run.workflow).on_failure
    if listener:
        summary = {key: error[key] for key in ("type", "message", "step")}
        start_run(
            listener,
            input={"run": run.public_id, "input": run.input, "error": summary},
            actor=run.actor,
            idempotency_key=f"failure:{run.pk}:{run.epoch}",
        )

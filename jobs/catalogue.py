"""What workflows there are: what starts each, what holds it back, when it comes next. For people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from inspect import getdoc
from typing import Any

from core import clock
from jobs import registry
from jobs.holds import paused_workflows
from jobs.models import Schedule
from jobs.registry import Workflow
from jobs.schedules import next_slot


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow as it is listed; `input` is the JSON Schema of what it takes."""

    name: str
    version: int
    about: str
    triggers: list[str]
    limits: list[str]
    next_at: datetime | None
    is_paused: bool
    input: dict[str, Any]


def entries() -> list[Entry]:
    """Return every workflow, by name."""
    rows = {row.workflow: row for row in Schedule.objects.all()}
    paused = paused_workflows()
    return [
        _entry(each, rows.get(each.name), is_paused=each.name in paused)
        for each in registry.everything()
    ]


def _entry(workflow: Workflow, row: Schedule | None, *, is_paused: bool) -> Entry:
    paragraph = (getdoc(workflow.function) or "").partition("\n\n")[0]
    return Entry(
        name=workflow.name,
        version=workflow.version,
        about=" ".join(paragraph.split()),
        triggers=_triggers(workflow, row),
        limits=workflow.limits,
        next_at=_next(workflow, row),
        is_paused=is_paused,
        input=workflow.inputs.model.model_json_schema(),
    )


def _next(workflow: Workflow, row: Schedule | None) -> datetime | None:
    """Return the next slot; before the first worker has written the schedule down, the one it will write."""
    if row is not None:
        return row.next_at if row.is_enabled and not row.error else None
    if not workflow.cron:
        return None
    return next_slot(workflow.cron, time_zone=workflow.time_zone, after=clock.now())


def _triggers(workflow: Workflow, row: Schedule | None) -> list[str]:
    cron = [f"cron {workflow.cron} ({workflow.time_zone}){_standing(row)}"] if workflow.cron else []
    return [*cron, *(f"event {trigger.describe()}" for trigger in workflow.triggers)]


def _standing(row: Schedule | None) -> str:
    if row is None or (row.is_enabled and not row.error):
        return ""
    return f", stopped: {row.error}" if row.error else ", switched off"

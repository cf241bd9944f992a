"""What workflows there are: what starts each, what holds it back, when it comes next. For people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from inspect import getdoc
from typing import Any

from jobs import registry
from jobs.models import Schedule
from jobs.registry import Workflow


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow as it is listed; `input` is the JSON Schema of what it takes."""

    name: str
    version: int
    about: str
    triggers: list[str]
    limits: list[str]
    next_at: datetime | None
    input: dict[str, Any]


def entries() -> list[Entry]:
    """Return every workflow, by name."""
    slots = dict(
        Schedule.objects.filter(is_enabled=True, error="").values_list("workflow", "next_at")
    )
    return [_entry(each, slots.get(each.name)) for each in registry.everything()]


def _entry(workflow: Workflow, next_at: datetime | None) -> Entry:
    return Entry(
        name=workflow.name,
        version=workflow.version,
        about=(getdoc(workflow.function) or "").partition("\n")[0],
        triggers=_triggers(workflow),
        limits=workflow.limits,
        next_at=next_at,
        input=workflow.inputs.model.model_json_schema(),
    )


def _triggers(workflow: Workflow) -> list[str]:
    cron = [f"cron {workflow.cron} ({workflow.time_zone})"] if workflow.cron else []
    return [*cron, *(f"event {trigger.describe()}" for trigger in workflow.triggers)]

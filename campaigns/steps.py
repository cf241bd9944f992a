"""The steps of a campaign's run, repeated ones told as one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign
from jobs.models import Step
from jobs.states import StepStatus

ICONS = {StepStatus.COMPLETED: "check", StepStatus.FAILED: "error", StepStatus.RETRYING: "update"}


@dataclass(frozen=True)
class StepLine:
    """A step by its name: how often it was taken, how it stands, when it was last finished."""

    name: str
    count: int
    status: str
    finished_at: datetime | None
    icon: str


def steps_of(campaign: Campaign) -> list[StepLine]:
    """Return the run's steps in the order they were first taken."""
    if campaign.run_id is None:
        return []
    lines: dict[str, StepLine] = {}
    for step in Step.objects.filter(run=campaign.run_id).order_by("started_at", "key"):
        name = step.key.partition("#")[0]
        count = lines[name].count + 1 if name in lines else 1
        lines[name] = StepLine(
            name, count, step.get_status_display(), step.finished_at, _icon(step)
        )
    return list(lines.values())


def _icon(step: Step) -> str:
    return ICONS.get(StepStatus(step.status), "hourglass_top")

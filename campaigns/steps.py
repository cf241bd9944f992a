"""The steps of a campaign's run: repeated ones told as one line, and how much of the audience they have written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign
from jobs.models import Step
from jobs.states import StepStatus

#: The step that writes a chunk of the audience; its output says after whom the next one begins.
WRITE = "write messages"
ICONS = {StepStatus.COMPLETED: "check", StepStatus.FAILED: "error", StepStatus.RETRYING: "update"}


@dataclass(frozen=True)
class StepLine:
    """A step by its name: how often it was taken, how it stands, when it was last finished."""

    name: str
    count: int
    status: str
    finished_at: datetime | None
    icon: str


def recorded_steps(campaign: Campaign) -> list[Step]:
    """Return the run's steps in the order they were first taken."""
    return list(Step.objects.filter(run=campaign.run_id).order_by("started_at", "key"))


def lines_of(steps: Iterable[Step]) -> list[StepLine]:
    """Tell each name once, with how often it was taken and how it stands."""
    lines: dict[str, StepLine] = {}
    for step in steps:
        name = _name_of(step)
        count = lines[name].count + 1 if name in lines else 1
        lines[name] = StepLine(
            name, count, step.get_status_display(), step.finished_at, _icon(step)
        )
    return list(lines.values())


def is_whole(steps: Iterable[Step]) -> bool:
    """Say whether the whole audience has been written: the last chunk found nobody after it."""
    chunks = (step.output for step in steps if _name_of(step) == WRITE and step.output)
    return any(chunk["after"] is None for chunk in chunks)


def _name_of(step: Step) -> str:
    return step.key.partition("#")[0]


def _icon(step: Step) -> str:
    return ICONS.get(StepStatus(step.status), "hourglass_top")

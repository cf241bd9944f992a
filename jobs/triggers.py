"""What a workflow declares of events: those that start it, and those that cancel its runs. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs.events.keys import fits
from jobs.paths import NOTHING, value_at

if TYPE_CHECKING:
    from jobs.models import Event

Condition = Callable[["Event"], bool]


@dataclass(frozen=True, slots=True)
class Trigger:
    """Each event of this name, with these values at these paths of its data, starts a run.

    `when` is a further condition on the event. `input` makes the run's input of it; without it the workflow gets those
    members of the event's data that it takes.
    """

    event: str
    match: Mapping[str, Any] = field(default_factory=dict)
    when: Condition | None = None
    input: Callable[[Event], dict[str, Any]] | None = None

    def why_not(self, event: Event) -> str:
        """Return why an event of this name starts nothing, or nothing."""
        for path, wanted in self.match.items():
            if not fits(event.data, {path: wanted}):
                return f"{path} is {_spelt(value_at(event.data, path))}, not {_spelt(wanted)}"
        if self.when is not None and not self.when(event):
            return f"{_name_of(self.when)} says no"
        return ""

    def describe(self) -> str:
        """Say in words what starts the workflow."""
        conditions = [f"{path} is {_spelt(value)}" for path, value in self.match.items()]
        if self.when is not None:
            conditions.append(f"{_name_of(self.when)} agrees")
        return f"{self.event}{_if(conditions)}"


@dataclass(frozen=True, slots=True)
class CancelOn:
    """Each event of this name cancels the runs whose input has the same values as its data.

    `match` leads from paths of the event's data to paths of the run's input.
    """

    event: str
    match: Mapping[str, str] = field(default_factory=dict)

    def describe(self) -> str:
        """Say in words what cancels a run."""
        return f"{self.event}{_if([f'{path} is its {own}' for path, own in self.match.items()])}"


def _spelt(value: Any) -> str:
    return "missing" if value is NOTHING else json.dumps(value, ensure_ascii=False, default=str)


def _name_of(condition: Condition) -> str:
    return getattr(condition, "__name__", type(condition).__name__)


def _if(conditions: list[str]) -> str:
    return f" if {' and '.join(conditions)}" if conditions else ""

"""How long each step takes to send at its sender's rate, and whether reminders can be on time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.durations import in_words
from funnels.models import Event, FunnelVersion, Step
from funnels.planning import due_at, use_ends_at
from funnels.states import Condition
from messaging.channels import Channel


@dataclass(frozen=True)
class Forecast:
    """One step on one channel: how many people at most, for how long its sender is busy, how late it may be."""

    step: str
    channel: Channel
    people: int
    takes: timedelta | None  #: None where the sender has no limit
    may_be_late: timedelta | None

    @property
    def is_late(self) -> bool:
        """Whether the last of them could be of no use any more when its turn comes."""
        return bool(self.takes and self.may_be_late is not None and self.takes > self.may_be_late)

    @property
    def in_words(self) -> str:
        how_long = (
            f"takes {in_words(self.takes.total_seconds())}"
            if self.takes
            else "goes as fast as it can"
        )
        told = f"{self.step}, {self.channel.label}: {self.people:,} messages, {how_long}"
        if not self.is_late or self.may_be_late is None:
            return f"{told}."
        return f"{told}, but is of use for {in_words(self.may_be_late.total_seconds())} only: the last are skipped."


def forecasts_of(version: FunnelVersion, event: Event, *, people: int) -> list[Forecast]:
    """Return a forecast of each step on each channel, for so many people."""
    steps = version.steps.select_related("email_template", "sms_template")
    return [
        _forecast(step, channel, event, version=version, people=people)
        for step in steps
        for channel in step.templates
    ]


def _forecast(
    step: Step, channel: Channel, event: Event, *, version: FunnelVersion, people: int
) -> Forecast:
    sender = version.sender_of(channel)
    rate = sender.rate_per_second if sender else None
    due = due_at(step.facts, event.facts, enrolled_at=event.starts_at)
    ends_at = use_ends_at(step.facts, event.facts, due=due)
    is_branch = step.condition != Condition.ANY
    return Forecast(
        step.name,
        channel,
        people,
        timedelta(seconds=people / rate) if rate and people else None,
        None if is_branch or ends_at is None or step.offset.anchor == "enrolled" else ends_at - due,
    )

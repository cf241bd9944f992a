"""How long each step takes to send at its sender's rate, and whether reminders can be on time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock
from core.durations import in_words
from funnels.models import Event, FunnelVersion, Step
from funnels.planning import due_at, use_ends_at
from funnels.states import Anchor, Condition
from messaging import days
from messaging.allowances import day_of
from messaging.channels import Channel

#: Where nobody is registered yet, the time that so many would take is told.
EXAMPLE = 1_000


@dataclass(frozen=True)
class Forecast:
    """One step on one channel: for how many people, at which pace, and until when it is of use."""

    step: str
    channel: Channel
    people: int
    rate: float | None  #: messages a second; None where the sender has no limit
    a_day: int | None = (
        None  #: what the sender may hand over on that day; None where it has no limit
    )
    may_be_late: timedelta | None = None  #: None where the last of them may come at any time
    is_begun_late: bool = (
        False  #: at the funnel's pace the last people begin when it is of no use any more
    )

    @property
    def takes(self) -> timedelta | None:
        return self._for(self.people)

    @property
    def is_late(self) -> bool:
        """Whether the last of them could be of no use any more when its turn comes."""
        return self.is_begun_late or self._is_too_slow or self._is_too_many

    @property
    def in_words(self) -> str:
        return f"{self.step}, {self.channel.label}: {self.prospect}"

    @property
    def prospect(self) -> str:
        """How long it takes, and what stands against it."""
        return f"{self._how_long}{''.join(self._warnings)}."

    @property
    def _how_long(self) -> str:
        who = f"{self.people:,} messages" if self.people else "nobody yet"
        if self.rate is None:
            return f"{who}, as fast as the provider takes them"
        if not self.people:
            return f"{who}; {EXAMPLE:,} messages take {_words(self._for(EXAMPLE))}"
        return f"{who}, takes {_words(self.takes)}"

    @property
    def _warnings(self) -> list[str]:
        found = []
        if self._is_too_slow:
            found.append(
                f", but is of use for {_words(self.may_be_late)} only: the last are skipped"
            )
        if self._is_too_many:
            found.append(
                f", but its sender may hand over {self.a_day:,} that day: the last are skipped"
            )
        if self.is_begun_late:
            found.append(", but at the funnel's pace the last people begin too late for it")
        return found

    @property
    def _is_too_slow(self) -> bool:
        return bool(self.takes and self.may_be_late is not None and self.takes > self.may_be_late)

    @property
    def _is_too_many(self) -> bool:
        return self.may_be_late is not None and self.a_day is not None and self.people > self.a_day

    def _for(self, people: int) -> timedelta | None:
        return timedelta(seconds=people / self.rate) if self.rate and people else None


def _words(span: timedelta | None) -> str:
    return in_words(span.total_seconds() if span else 0)


def in_short(forecasts: Iterable[Forecast]) -> list[str]:
    """Return a line for all steps of a channel that have the same prospect; what is late begins with a sign."""
    alike: dict[tuple[str, Channel, str], list[str]] = {}
    for each in forecasts:
        sign = "⚠" if each.is_late else "–"
        alike.setdefault((sign, each.channel, each.prospect), []).append(each.step)
    return [
        f"{sign} {', '.join(steps)}, {channel.label}: {prospect}"
        for (sign, channel, prospect), steps in alike.items()
    ]


def forecasts_of(
    version: FunnelVersion, event: Event, *, people: int, are_to_begin: bool = False
) -> list[Forecast]:
    """Return a forecast of each step on each channel, for so many people; they may have to begin first."""
    steps = version.steps.select_related("email_template", "sms_template")
    pace = version.funnel.starts_per_minute if are_to_begin else None
    begun_at = clock.now() + timedelta(minutes=people / pace) if pace else None
    return [
        _forecast(step, channel, event, version=version, people=people, begun_at=begun_at)
        for step in steps
        for channel in step.templates
    ]


def _forecast(
    step: Step,
    channel: Channel,
    event: Event,
    *,
    version: FunnelVersion,
    people: int,
    begun_at: datetime | None,
) -> Forecast:
    sender = version.sender_of(channel)
    due = due_at(step.facts, event.facts, enrolled_at=event.starts_at)
    ends_at = use_ends_at(step.facts, event.facts, due=due)
    if step.condition != Condition.ANY or step.anchor == Anchor.ENROLLED:
        ends_at = None
    return Forecast(
        step.name,
        channel,
        people,
        sender.rate_per_second if sender else None,
        days.allowance(sender, day_of(due, zone=sender.zone)) if sender else None,
        None if ends_at is None else ends_at - due,
        bool(begun_at and ends_at and due >= clock.now() and begun_at >= ends_at),
    )

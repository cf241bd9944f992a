"""What a campaign still waits for, told truly: people who sleep, days that are used up, and what may go now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime

from campaigns import pace
from campaigns.models import Campaign
from core.clock import now
from core.durations import in_words
from messaging import days
from messaging.streams import Hold, Tally

#: What people are told about those who wait, by the outbox's reason.
WAITS = {
    "quiet_hours": "wait for the morning where they live",
    "frequency_cap": "got enough messages of late and wait until they may get another",
    "scheduled": "wait for their time",
}


@dataclass(frozen=True)
class Outlook:
    """What may go now, what is held, and how many days after today the sender needs."""

    ready: int
    holds: tuple[Hold, ...] = ()
    more_days: int = 0
    closed_until: datetime | None = None

    @property
    def held(self) -> int:
        return sum(hold.count for hold in self.holds)

    @property
    def is_resting(self) -> bool:
        """Nothing can go out before some later moment."""
        return self.closed_until is not None or (self.ready == 0 and self.held > 0)

    def left(self, *, rate: float) -> str:
        """Return how long it takes, in words that promise no more than is known."""
        if self.more_days:
            return f"{more_days(self.more_days)} at this sender's daily limit"
        if not self.ready and self.held:
            return f"goes on {moment_in_words(min(hold.first for hold in self.holds))}"
        seconds = pace.seconds_left(self.ready, rate=rate)
        told = "measuring the time left" if seconds is None else f"{in_words(seconds)} left"
        return f"{told}, then {self.held:,} wait" if self.held else told


def outlook_of(campaign: Campaign, figures: Tally) -> Outlook:
    """Return what a campaign under way still waits for."""
    sender = campaign.sender
    waiting = figures.pending
    is_closed = sender.not_before is not None and sender.not_before > now() and waiting
    return Outlook(
        ready=waiting - figures.held + figures.sending,
        holds=figures.holds,
        more_days=days.more_days(sender, waiting),
        closed_until=sender.not_before if is_closed else None,
    )


def moment_in_words(at: datetime) -> str:
    """Return `at 08:00`, `tomorrow at 08:00` or `on 3 March at 08:00`, by the clock that staff read."""
    local = localtime(at)
    ahead = (local.date() - localtime(now()).date()).days
    day = {0: "", 1: "tomorrow "}.get(ahead, f"on {local:%-d %B} ")
    return f"{day}at {local:%H:%M}"


def more_days(number: int) -> str:
    """Return `1 more day` or `about 9 more days`."""
    return "1 more day" if number == 1 else f"about {number} more days"

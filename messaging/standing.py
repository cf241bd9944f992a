"""How a sender stands: what waits, what is held, and how much of its day is used."""

from __future__ import annotations

from dataclasses import dataclass

from messaging import days
from messaging.models import Message, Sender
from messaging.states import MessageStatus, StreamStatus


@dataclass(frozen=True)
class Standing:
    """The outbox of one sender at one moment; paused and closed streams are not counted as waiting."""

    sender: Sender
    due: int
    held: int
    sending: int
    in_doubt: int
    used: int
    allowance: int | None

    @property
    def today(self) -> str:
        """How much of the day's allowance is used: `120 of 2,000`."""
        if self.allowance is None:
            return "no limit"
        return f"{self.used:,} of {self.allowance:,}"


def standing_of(sender: Sender) -> Standing:
    """Return how a sender stands now."""
    waiting = Message.objects.filter(stream__sender=sender, stream__status=StreamStatus.OPEN)
    all_of_it = Message.objects.filter(stream__sender=sender)
    day = days.today(sender)
    return Standing(
        sender=sender,
        due=waiting.due().count(),
        held=waiting.held().count(),
        sending=all_of_it.filter(status=MessageStatus.SENDING).count(),
        in_doubt=all_of_it.filter(status=MessageStatus.IN_DOUBT).count(),
        used=days.used_on(sender, day),
        allowance=days.allowance(sender, day),
    )

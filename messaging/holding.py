"""Whether a message goes now, is held until a moment, or is skipped. Decisions only, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.states import HoldPolicy, Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """Go (no reason), wait (a reason and a moment), or be skipped (a reason alone)."""

    reason: str = ""
    until: datetime | None = None

    @property
    def goes(self) -> bool:
        return not self.reason


GO = Verdict()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a message should not go before a moment, and what its policy makes of that."""

    reason: Reason
    until: datetime | None
    policy: str

    @property
    def counts(self) -> bool:
        return self.until is not None and self.policy != HoldPolicy.IGNORE


def verdict(
    obstacles: Sequence[Obstacle], *, now: datetime, expires_at: datetime | None = None
) -> Verdict:
    """Decide about one message: held until the last of its obstacles is gone, but never past its use."""
    if expires_at and now >= expires_at:
        return Verdict(Reason.EXPIRED)
    standing = [each for each in obstacles if each.counts]
    for each in standing:
        if each.policy == HoldPolicy.SKIP:
            return Verdict(each.reason)
    waits = [(each.until, each.reason) for each in standing if each.until]
    if not waits:
        return GO
    until, reason = max(waits)
    if expires_at and until >= expires_at:
        return Verdict(Reason.EXPIRED)
    return Verdict(reason, until)


def room_at(recent: Sequence[datetime], *, cap: int, window: timedelta) -> datetime | None:
    """Return when a person who got messages at these times may get another, or None where that is now.

    `recent` are those of the window that ends now, in any order.
    """
    if len(recent) < cap:
        return None
    return sorted(recent, reverse=True)[cap - 1] + window

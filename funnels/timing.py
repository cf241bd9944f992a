"""When a step comes: an anchor, and how long before or after it. Arithmetic only, no database.

Minutes and hours pass by themselves: 24 hours before is 24 hours, whatever the clocks do that night. Days are counted
on the wall clock of the event's zone: one day after 18:00 is 18:00, though that be 23 or 25 hours. A local time that
the clocks skip is as much later as they skip; of one that comes twice the first counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from funnels.states import Anchor, Direction, Unit

#: Zoom tells of a participant up to 85 minutes late: it tries again after 5, 20 and 60 minutes.
SETTLING = timedelta(minutes=85)
#: How late a step without a rule of its own may still go out, where it is not counted from the start.
GRACE = timedelta(hours=24)


AT_ONCE = {Anchor.ENROLLED: "at once", Anchor.SETTLED: "as soon as it is known who came"}


@dataclass(frozen=True, slots=True)
class Offset:
    """So long before or after an anchor; whole days may end at a local time."""

    anchor: Anchor
    amount: int = 0
    unit: Unit = Unit.HOURS
    direction: Direction = Direction.AFTER
    local_time: time | None = None

    def moment(self, anchor_at: datetime, *, zone: ZoneInfo) -> datetime:
        """Return the moment in UTC."""
        if self.unit != Unit.DAYS:
            return (anchor_at + self._sign * self.elapsed).astimezone(UTC)
        local = anchor_at.astimezone(zone)
        day = local.date() + self._sign * timedelta(days=self.amount)
        return datetime.combine(day, self.local_time or local.time(), tzinfo=zone).astimezone(UTC)

    @property
    def elapsed(self) -> timedelta:
        """How far it is from its anchor, a day counted as 24 hours."""
        return timedelta(**{self.unit.value: self.amount})

    @property
    def is_before(self) -> bool:
        return self.direction == Direction.BEFORE and self.amount > 0

    @property
    def _sign(self) -> int:
        return -1 if self.direction == Direction.BEFORE else 1

    @property
    def in_words(self) -> str:
        """`24 hours before the event's start`, `at once`, `3 days after it is known who came, at 09:00`."""
        at = f", at {self.local_time:%H:%M}" if self.local_time else ""
        if not self.amount and not at:
            return AT_ONCE.get(self.anchor, f"at {self.anchor.label}")
        if not self.amount:
            return f"on the day of {self.anchor.label}{at}"
        unit = self.unit.label if self.amount != 1 else self.unit.label.removesuffix("s")
        return f"{self.amount} {unit} {self.direction.label} {self.anchor.label}{at}"


def lateness(offset: Offset, *, own_minutes: int | None) -> timedelta:
    """Return how late a step that is skipped when late may go out: its own, or a quarter of the way to the start."""
    if own_minutes is not None:
        return timedelta(minutes=own_minutes)
    if offset.anchor == Anchor.START and offset.is_before:
        return offset.elapsed / 4
    return GRACE


def settles_at(ends_at: datetime, *, last_heard_end: datetime | None) -> datetime:
    """Return when everything that Zoom may tell of an event has been told."""
    return max(filter(None, [ends_at, last_heard_end])) + SETTLING

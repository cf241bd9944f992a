"""Quiet hours: whether it is night where a person lives, and when it ends. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one local time until another, mostly over midnight; the end itself is no longer quiet."""

    start: time
    end: time

    def holds(self, local: time) -> bool:
        """Say whether a wall clock's time is quiet."""
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


def quiet_until(moment: datetime, *, hours: QuietHours, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours around a moment end in a zone (in UTC), or None where it is not quiet.

    Where the clocks skip the end, it is as much later as they skip; where they show it twice, the first that
    is still to come counts.
    """
    local = moment.astimezone(zone)
    if not hours.holds(local.time()):
        return None
    days = (local.date(), local.date() + timedelta(days=1))
    ends = (
        datetime.combine(day, hours.end, tzinfo=zone).replace(fold=fold).astimezone(UTC)
        for day in days
        for fold in (0, 1)
    )
    return min(end for end in ends if end > moment and not hours.holds(end.astimezone(zone).time()))

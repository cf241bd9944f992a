"""Numbers over time as lines: buckets that fit the span, and the points of an SVG. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A line has at most so many points, so that it stays a line on a phone.
MOST_POINTS = 60
STEPS = (1, 2, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24)


@dataclass(frozen=True)
class Series:
    """Counts in equal slices of time, oldest first."""

    start: datetime
    step: timedelta
    values: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.values)

    @property
    def peak(self) -> int:
        return max(self.values, default=0)

    def moments(self) -> list[datetime]:
        """Return when each slice begins."""
        return [self.start + index * self.step for index in range(len(self.values))]


def step_for(span: timedelta) -> timedelta:
    """Return the slice with which a span has no more than MOST_POINTS of them, a round number of hours."""
    hours = span.total_seconds() / 3600
    fitting = (step for step in STEPS if hours / step < MOST_POINTS)
    return timedelta(hours=next(fitting, STEPS[-1]))


def series_of(
    hours: Mapping[datetime, int], *, start: datetime, end: datetime, step: timedelta
) -> Series:
    """Return the counts of hours in slices from `start` until past `end`; what lies outside counts at the edge."""
    slices = int((end - start) / step) + 1
    values = [0] * slices
    for hour, count in hours.items():
        index = int((hour - start) / step)
        values[min(slices - 1, max(0, index))] += count
    return Series(start, step, tuple(values))


def points(values: Sequence[int], *, width: int, height: int, top: int) -> str:
    """Return an SVG `points` attribute: left to right, `top` being the upper edge; one value is a level line."""
    drawn = list(values) if len(values) > 1 else [*values, *values]
    stride = width / max(1, len(drawn) - 1)
    return " ".join(
        f"{index * stride:.1f},{height - value / (top or 1) * height:.1f}"
        for index, value in enumerate(drawn)
    )


def span_of(moments: Iterable[datetime]) -> tuple[datetime, datetime] | None:
    """Return the first and the last of some moments, or None where there is none."""
    known = sorted(moments)
    return (known[0], known[-1]) if known else None

"""How fast a send goes and how long it still takes: arithmetic only, no clock and no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: The current rate looks back this far: long enough to be calm, short enough to show a stall.
WINDOW_SECONDS = 15.0


#: A chart has at most so many points, and each stands for several batches: it shows the pace and not the beat.
POINTS, BATCHES_A_POINT = 60, 3


@dataclass(frozen=True)
class Handover:
    """So many messages were accepted by the provider this many seconds after the start, in so many batches."""

    at: float
    count: int
    batches: int = 1


def current_rate(handovers: Iterable[Handover], *, elapsed: float) -> float:
    """Return messages per second, lately, of a send that began `elapsed` seconds ago."""
    window = min(WINDOW_SECONDS, elapsed)
    if window <= 0:
        return 0.0
    recent = sum(handover.count for handover in handovers if handover.at > elapsed - window)
    return recent / window


def in_figures(rate: float) -> str:
    """Return a rate as people write it: `3,079`, `12.5`, `0.3`."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def seconds_left(remaining: int, *, rate: float) -> float | None:
    """Return the seconds until nothing remains, or None while nothing moves."""
    if remaining <= 0:
        return 0.0
    return remaining / rate if rate > 0 else None


def histogram(handovers: Iterable[Handover], *, elapsed: float, bars: int) -> list[float]:
    """Return messages per second in each of `bars` equal slices of the send, oldest first."""
    if elapsed <= 0 or bars <= 0:
        return []
    width = elapsed / bars
    totals = [0] * bars
    for handover in handovers:
        totals[min(bars - 1, max(0, int(handover.at / width)))] += handover.count
    return [total / width for total in totals]


def line_points(values: Sequence[float], *, width: int, height: int) -> str:
    """Return an SVG `points` attribute: `values` left to right, the greatest at the top."""
    if not values:
        return ""
    top = max(values) or 1.0
    stride = width / max(1, len(values) - 1)
    return " ".join(
        f"{index * stride:.1f},{height - value / top * height:.1f}"
        for index, value in enumerate(values)
    )

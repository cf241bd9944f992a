"""Durations as people say them and as a stopwatch shows them."""

from __future__ import annotations

from math import ceil


def in_words(seconds: float) -> str:
    """Return a duration as people say it: `a few seconds`, `about 6 minutes`, `about 2 hours`."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {ceil(seconds / 10) * 10} seconds"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} minutes"
    if seconds < 36 * 3600:
        return f"about {_plain(round(seconds / 1800) / 2)} hours"
    return f"about {round(seconds / 86400)} days"


def on_a_clock(seconds: float) -> str:
    """Return a duration as a stopwatch shows it: `0:07`, `12:40`, `3:05:09`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _plain(number: float) -> str:
    return f"{number:g}"

"""The clean-up of stuck runs, asked for: what every broker loop does each second anyway, to the end, and counted.

A run is stuck when whoever held it is gone, or when it is past its own deadline; never because it takes long.
"""

from __future__ import annotations

from collections.abc import Callable

from jobs import deadlines, reaper, slots


def clean_up() -> dict[str, int]:
    """Free what nobody holds any more, fail what is late, let go on what nothing blocks; return how many of each."""
    return {
        "freed": reaper.bury_dead_processes() + _all(reaper.reap_expired),
        "late": _all(deadlines.enforce),
        "unblocked": slots.sweep(),
    }


def _all(chunk: Callable[[], int]) -> int:
    total = 0
    while count := chunk():
        total += count
    return total

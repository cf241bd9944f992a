"""Limits of time that really stop what runs too long.

The limit raises its error in the middle of the code, once a second until that gives way (by SIGALRM, so in the main
thread alone). Code that never gives way, because it hangs in a library or catches everything, ends with its process:
see `jobs.heartbeat`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.errors import TransientFailure

REPEAT_SECONDS = 1.0


class StepTimedOut(TransientFailure):
    """A step took longer than it may; it counts as a failed attempt."""


@dataclass(frozen=True, slots=True)
class _Limit:
    ends_at: float
    error: Callable[[], BaseException]


_limits: list[_Limit] = []


@contextmanager
def time_limit(seconds: float | None, error: Callable[[], BaseException]) -> Iterator[None]:
    """Raise an error inside the block when it takes longer than so many seconds; limits may stand within limits."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    limit = _Limit(time.monotonic() + max(seconds, 0.001), error)
    before = signal.signal(signal.SIGALRM, _ring)
    _limits.append(limit)
    try:
        _wind_up()
        yield
    finally:
        _limits.remove(limit)
        signal.signal(signal.SIGALRM, before)
        _wind_up()


def overdue(*, by: float) -> bool:
    """Whether the present block should have ended so many seconds ago: it does not give way."""
    return any(time.monotonic() > limit.ends_at + by for limit in _limits)


def _wind_up() -> None:
    """Set the timer to the limit that ends first."""
    if not _limits:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return
    ends_in = min(limit.ends_at for limit in _limits) - time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, max(ends_in, 0.001), REPEAT_SECONDS)


def _ring(_signal: int, _frame: Any) -> None:
    now = time.monotonic()
    for limit in _limits:
        if now >= limit.ends_at:
            raise limit.error()

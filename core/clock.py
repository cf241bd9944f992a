"""Business time: the only place that asks what time it is.

What people mean by time (schedules, sleeps, retries, consent) is `now()`. Leases and rate limits
use the database's own clock instead, so moving this one never frees or steals a lease.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta(0)
_frozen: datetime | None = None


def now() -> datetime:
    """Return the present moment, aware and in UTC."""
    if _frozen is not None:
        return _frozen
    return datetime.now(UTC) + _offset


@contextmanager
def travel(*, to: datetime | None = None, by: timedelta | None = None) -> Iterator[None]:
    """Move this process's clock for a block: `to` a frozen moment, or `by` a running offset."""
    global _offset, _frozen
    before = (_offset, _frozen)
    if to is not None:
        _frozen = to
    if by is not None:
        if _frozen is not None:
            _frozen += by
        else:
            _offset += by
    try:
        yield
    finally:
        _offset, _frozen = before

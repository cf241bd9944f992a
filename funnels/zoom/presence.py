"""How long a person was present: the union of their joins and leaves. Arithmetic only, no database.

It depends on what happened and never on the order of hearing: repeating changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A join or a leave. A `session` is one entry into the meeting; on two devices somebody has two at once."""

    at: datetime
    is_leave: bool
    session: str


def seconds_present(marks: Iterable[Mark], *, starts_at: datetime, ends_at: datetime) -> int:
    """Return for how many seconds of an event somebody was there.

    What lies before its start and after its end does not count. A join without a leave lasts until the end; a leave
    without a join began when the event did, or when the same session was last left.
    """
    sessions: dict[str, list[Mark]] = defaultdict(list)
    for mark in set(marks):
        sessions[mark.session].append(mark)
    found = [
        (max(start, starts_at), min(end, ends_at))
        for session in sessions.values()
        for start, end in _intervals(sorted(session), starts_at=starts_at, ends_at=ends_at)
    ]
    return int(_union(found).total_seconds())


def _intervals(marks: list[Mark], *, starts_at: datetime, ends_at: datetime) -> Iterable[Interval]:
    joined_at: datetime | None = None
    last_left = starts_at
    for mark in marks:
        if not mark.is_leave:
            joined_at = joined_at or mark.at
            continue
        yield joined_at or last_left, mark.at
        joined_at, last_left = None, mark.at
    if joined_at:
        yield joined_at, ends_at


def _union(intervals: Iterable[Interval]) -> timedelta:
    total, reached = timedelta(0), None
    for start, end in sorted(intervals):
        begin = start if reached is None else max(start, reached)
        if end > begin:
            total += end - begin
            reached = end
    return total

"""Ranges of days as people write them, in a source's zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from core import clock
from core.errors import Refused
from tenders.models import TenderSource


def read_range(source: TenderSource, start: str, end: str = "") -> tuple[datetime, datetime]:
    """Return the moments that two days, or moments with an offset, span; the last day is in it. No end means now."""
    first = _moment(source, start, field="from", is_end=False)
    last = _moment(source, end, field="to", is_end=True) if end else clock.now()
    return first, min(last, clock.now()) if first < clock.now() else last


def _moment(source: TenderSource, text: str, *, field: str, is_end: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _exact(text, field=field)
    midnight = datetime.combine(day, time(), tzinfo=source.zone)
    return midnight + timedelta(days=1) if is_end else midnight


def _exact(text: str, *, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(
            f"{text!r} is no day.",
            field=field,
            value=text,
            remedy="Write a day such as 2026-03-01, or a moment with its offset.",
        )
    return moment

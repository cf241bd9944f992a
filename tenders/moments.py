"""Moments as publishers write them: read tolerantly, ordered exactly, told in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

#: `2025-10-26T01:30:00.1197059+01:00`, with or without seconds, fraction, offset, time.
FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?"
    r"\s*(Z|z|[+-]\d\d:?\d\d|[+-]\d\d)?"
)
#: No public notice of a source that we know is older.
EARLIEST = 1990
#: Tenders may be announced for years ahead; their releases may not.
AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A point in time to the last digit that was written: `fraction` counts picoseconds."""

    second: datetime
    fraction: int = 0

    @property
    def at(self) -> datetime:
        """The moment as the database keeps it, to the microsecond."""
        return self.second + timedelta(microseconds=self.fraction // 1_000_000)

    def text(self) -> str:
        """Return it in UTC, in one form: strings of whole seconds order as the moments do."""
        digits = f"{self.fraction:012d}".rstrip("0")
        return f"{self.second:%Y-%m-%dT%H:%M:%S}{'.' + digits if digits else ''}Z"


def read_moment(text: Any, *, zone: tzinfo = UTC) -> Moment | None:
    """Return the moment that a text spells, in `zone` where it names no offset; None where it spells none."""
    found = FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, digits, offset = found.groups()
    try:
        local = datetime(  # noqa: DTZ001 - its zone is found out below
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
        at = local.replace(tzinfo=_offset(offset) or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Moment(at, int((digits or "").ljust(12, "0")) if digits else 0)


def is_absurd(moment: Moment, *, now: datetime) -> bool:
    """Whether a release cannot have been published then."""
    return moment.second.year < EARLIEST or moment.second > now + AHEAD


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    delta = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-delta if text[0] == "-" else delta)

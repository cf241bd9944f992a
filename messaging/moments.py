"""Moments as a person reads them: filters that tell a date and a time in the zone of whom the message is for.

The zone is the contact's; where that is unknown the event's (`event.time_zone`), else the house's.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.timezone import get_default_timezone
from liquid import Undefined
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context


@with_context
def local_date(value: Any, pattern: str = "", *, context: Any) -> Any:
    """`{{ event.start_at | local_date }}` is `Monday, 1 March 2027`; a pattern of strftime changes that."""
    moment = _local(value, context)
    if isinstance(moment, Undefined):
        return moment  # so that `default` still covers it
    return moment.strftime(pattern) if pattern else f"{moment:%A}, {moment.day} {moment:%B %Y}"


@with_context
def local_time(value: Any, pattern: str = "", *, context: Any) -> Any:
    """`{{ event.start_at | local_time }}` is `17:00 SAST`; a pattern of strftime changes that."""
    moment = _local(value, context)
    if isinstance(moment, Undefined):
        return moment
    return moment.strftime(pattern) if pattern else f"{moment:%H:%M} {zone_name(moment)}"


def zone_name(moment: datetime) -> str:
    """Return `SAST`, or `UTC+3` for a zone whose name has no letters."""
    name = moment.tzname() or ""
    if name.isalpha():
        return name
    sign, hours, minutes = name[:1], name[1:3].lstrip("0") or "0", name[3:5]
    return f"UTC{sign}{hours}" + (f":{minutes}" if minutes else "")


def _local(value: Any, context: Any) -> Any:
    return value if isinstance(value, Undefined) else _moment(value).astimezone(_zone(context))


def _moment(value: Any) -> datetime:
    """Return a moment given as text of ISO 8601 with an offset."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise FilterArgumentError(f"{value!r} is not a moment", token=None) from None
    if moment.tzinfo is None:
        raise FilterArgumentError(f"{value!r} does not say its offset from UTC", token=None)
    return moment


def _zone(context: Any) -> tzinfo:
    for root in ("contact", "event"):
        given = context.resolve(root, default=None)
        name = given.get("time_zone") if hasattr(given, "get") else None
        if name and (zone := _zone_named(str(name))):
            return zone
    return get_default_timezone()


def _zone_named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None

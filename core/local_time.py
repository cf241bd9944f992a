"""Local times and the zones they are meant in, as people and programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from core.errors import Refused


@cache
def zones() -> list[tuple[str, str]]:
    """Return the time zones there are, as choices."""
    names = (name for name in available_timezones() if "/" in name or name == "UTC")
    return [(name, name.replace("_", " ")) for name in sorted(names)]


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of an IANA name; raise Refused where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(
            f"There is no time zone {name!r}.",
            field="time_zone",
            value=name,
            remedy="Use a name such as Europe/Berlin or UTC.",
        ) from None


def read_moment(text: str, *, time_zone: str, field: str) -> datetime:
    """Return the moment `text` means; without an offset it is local time in `time_zone`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            f"{text!r} is no date and time.",
            field=field,
            value=text,
            remedy="Write it like 2027-03-01T09:30+01:00, or 2027-03-01T09:30 with a time zone.",
        ) from None
    return moment if moment.tzinfo else localised(moment, time_zone=time_zone, field=field)


def localised(local: datetime, *, time_zone: str, field: str) -> datetime:
    """Return the moment of a local time; raise Refused where the clocks skip it.

    A time that comes twice, when clocks go back, means its first coming (PEP 495, fold 0).
    """
    moment = local.replace(tzinfo=zone_named(time_zone))
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    if there_and_back.replace(tzinfo=None) != local:
        raise Refused(
            f"{local:%Y-%m-%d %H:%M} does not exist in {time_zone}: the clocks go forward.",
            field=field,
            value=local.isoformat(),
            remedy=f"Choose {there_and_back:%H:%M} or another time.",
        )
    return moment

"""Reading the moment at which a campaign is to start: ISO 8601, or local time and a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.clock import now
from core.errors import Refused


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


def read_moment(text: str, *, time_zone: str) -> datetime:
    """Return the moment `text` means; without an offset it is local time in `time_zone`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            f"{text!r} is no date and time.",
            field="scheduled_at",
            value=text,
            remedy="Write it like 2027-03-01T09:30+01:00, or 2027-03-01T09:30 with a time zone.",
        ) from None
    return moment if moment.tzinfo else localised(moment, time_zone=time_zone)


def localised(local: datetime, *, time_zone: str) -> datetime:
    """Return the moment of a local time; raise Refused where the clocks skip it.

    A time that comes twice, when clocks go back, means its first coming (PEP 495, fold 0).
    """
    moment = local.replace(tzinfo=zone_named(time_zone))
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    if there_and_back.replace(tzinfo=None) != local:
        raise Refused(
            f"{local:%Y-%m-%d %H:%M} does not exist in {time_zone}: the clocks go forward.",
            field="scheduled_at",
            value=local.isoformat(),
            remedy=f"Choose {there_and_back:%H:%M} or another time.",
        )
    return moment


def check_future(at: datetime) -> None:
    """Raise Refused for a moment that has passed."""
    present = now()
    if at <= present:
        raise Refused(
            f"{at:%Y-%m-%d %H:%M %Z} has passed; it is {present.astimezone(at.tzinfo):%H:%M} now.",
            field="scheduled_at",
            value=at.isoformat(),
            remedy="Choose a time in the future, or send it now.",
        )

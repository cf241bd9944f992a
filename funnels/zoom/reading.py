"""What a kept notice says: which meeting, who, and what happened when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JOINED, LEFT, ENDED = "joined", "left", "ended"
KINDS = {
    "meeting.participant_joined": JOINED,
    "meeting.participant_left": LEFT,
    "meeting.ended": ENDED,
    "webinar.participant_joined": JOINED,
    "webinar.participant_left": LEFT,
    "webinar.ended": ENDED,
}
MOMENTS = {JOINED: "join_time", LEFT: "leave_time"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A notice in our words; `what` is nothing where it is of no kind that we know."""

    what: str = ""
    meeting: str = ""
    at: datetime | None = None
    session: str = ""
    registrant: str = ""
    email: str = ""


def read(kind: str, body: str, *, received_at: datetime) -> Reading:
    """Return what a notice says; members that are missing or of another shape are as if they were not there."""
    told = json.loads(body)
    whole = _dict(_dict(told.get("payload")).get("object"))
    person = _dict(whole.get("participant"))
    what = KINDS.get(kind, "")
    said = person.get(MOMENTS[what]) if what in MOMENTS else whole.get("end_time")
    entry = _text(person.get("participant_uuid")) or _text(person.get("user_id"))
    return Reading(
        what=what,
        meeting=_text(whole.get("id")),
        at=_moment(said) or _milliseconds(told.get("event_ts")) or received_at,
        session=f"{_text(whole.get('uuid'))}/{entry}"[:120],
        registrant=_text(person.get("registrant_id"))[:64],
        email=_text(person.get("email")).strip().lower(),
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _milliseconds(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value) / 1000, UTC) if value else None  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None

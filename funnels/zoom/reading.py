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
YEARS = range(2000, 2100)
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
    """Return a text that can be stored: one that holds what nobody can see (NUL, half a character) is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if text.isprintable() else ""


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _possible(moment)


def _milliseconds(value: object) -> datetime | None:
    try:
        moment = datetime.fromtimestamp(float(value) / 1000, UTC) if value else None  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return _possible(moment)


def _possible(moment: datetime | None) -> datetime | None:
    """Return a moment at which Zoom may have told something: no other can be counted with."""
    return moment if moment and moment.year in YEARS else None

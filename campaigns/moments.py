"""The moment at which a campaign is to start."""

from __future__ import annotations

from datetime import datetime

from core.clock import now
from core.errors import Refused

#: What a refusal of such a moment names.
FIELD = "scheduled_at"


def check_future(at: datetime) -> None:
    """Raise Refused for a moment that has passed."""
    present = now()
    if at <= present:
        raise Refused(
            f"{at:%Y-%m-%d %H:%M %Z} has passed; it is {present.astimezone(at.tzinfo):%H:%M} now.",
            field=FIELD,
            value=at.isoformat(),
            remedy="Choose a time in the future, or send it now.",
        )

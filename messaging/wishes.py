"""What a person who answers an SMS wants: STOP, START or HELP.

The provider's own reading comes first (Twilio's Advanced Opt-Out sends it as `OptOutType`); without it the whole
text must be one of the words that carriers know, in whatever case, with or without a full stop.
"""

from __future__ import annotations

from enum import Enum


class Wish(Enum):
    """One of the three things that every sender of SMS must heed."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


WORDS = {
    **dict.fromkeys(
        ("stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"), Wish.STOP
    ),
    **dict.fromkeys(("start", "unstop"), Wish.START),
    **dict.fromkeys(("help", "info"), Wish.HELP),
}


def wish_of(text: str, *, opt_out_type: str = "") -> Wish | None:
    """Return what an answer asks for, if it is one of the three."""
    try:
        return Wish(opt_out_type.strip().upper())
    except ValueError:
        return WORDS.get(text.strip().strip(".!\"'").strip().lower())

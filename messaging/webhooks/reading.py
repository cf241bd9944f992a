"""What a kept event says, before anything is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import NotFound
from core.ids import decode
from messaging.life import Happening
from messaging.models import Message, SuppressionReason
from messaging.wishes import Wish

LARGEST_KEY = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Reading:
    """About which message, what happened to it, what closes or is blocked by it, and what a person wishes."""

    message: int = 0  #: our own number, as the message's tag or its callback's address says
    provider_id: str = ""
    addresses: frozenset[str] = frozenset()
    happening: Happening | None = None
    closes: SuppressionReason | None = None
    blocks: str = ""  #: why nothing more of its sender can go out, as a code and words
    phone: str = ""  #: who wrote to us
    wish: Wish | None = None
    note: str = ""


def message_number(public_id: str) -> int:
    """Return the number behind `msg_…`, or 0."""
    try:
        number = decode(Message.id_prefix, public_id)
    except NotFound:
        return 0
    return number if number <= LARGEST_KEY else 0


def moment_of(text: object, received_at: datetime) -> datetime:
    """Return when it happened by the provider's clock (ISO 8601); nothing happens after we heard of it."""
    try:
        at = datetime.fromisoformat(text if isinstance(text, str) else "")
        return min(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), received_at)
    except (ValueError, OverflowError):
        return received_at

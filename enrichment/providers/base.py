"""What providers answer, and how a call can end otherwise. The difference that counts: may it have been paid?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Completion:
    """A raw answer, as it came."""

    body: dict[str, Any]
    request_id: str = ""
    #: How long to rest before the next call, because this one used up what the provider allows.
    rest_seconds: float = 0.0


class CallOutcome(Exception):
    """A call that brought no answer. `code` is short and stable, the message for people."""

    def __init__(self, code: str, message: str, *, request_id: str = "") -> None:
        super().__init__(message)
        self.code = code[:64]
        self.message = " ".join(message.split())[:500]
        self.request_id = request_id


class NotTaken(CallOutcome):
    """Certainly nothing was done, and trying again later may help."""


class RateLimited(NotTaken):
    """Too many calls; the provider says when to come again."""

    def __init__(self, code: str, message: str, *, wait: float, request_id: str = "") -> None:
        super().__init__(code, message, request_id=request_id)
        self.wait = wait


class Rejected(CallOutcome):
    """The request cannot be answered as it stands: nothing was paid, and repeating it cannot help."""


class AccountBlocked(CallOutcome):
    """Every call would fail, until a person has put money or the key in order."""


class InDoubt(CallOutcome):
    """No certain answer: it may have been paid. `is_denied`: the provider itself says that it failed."""

    def __init__(
        self, code: str, message: str, *, is_denied: bool = False, request_id: str = ""
    ) -> None:
        super().__init__(code, message, request_id=request_id)
        self.is_denied = is_denied


class Provider(Protocol):
    """One call, and the look-up of what became of it."""

    #: A call costs nothing and may be repeated when in doubt.
    is_free: bool

    def complete(self, request: dict[str, Any]) -> Completion:
        """Make one call, without retries; raises a CallOutcome."""

    def find(self, *, key: str) -> Sequence[Completion]:
        """Return the stored answers that carry this key; raises a CallOutcome where they cannot be asked for."""

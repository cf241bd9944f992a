"""What a provider is to the outbox: one call with exact bytes and a key, and the few ways it can end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class BatchAnswer:
    """The provider took the batch: positions it accepted with its ids, and positions it refused for good.

    Every position of the payload stands in exactly one of the two.
    """

    accepted: dict[int, str]
    rejected: dict[int, tuple[str, str]] = field(default_factory=dict)
    #: The provider asks for this much rest before the next call.
    rest_seconds: float = 0.0


class Provider(Protocol):
    """Hands batches over. Calls are made outside any transaction."""

    def send_batch(self, payload: bytes, *, key: str) -> BatchAnswer:
        """Hand over exactly these bytes under this key.

        Calling again with the same bytes and key never sends anything twice, as long as the provider
        keeps the key. Raises a ProviderOutcome.
        """

    def check_ready(self) -> None:
        """Raise Refused, naming the setting, where the provider cannot work."""


class ProviderOutcome(Exception):
    """A call that did not end in an answer. The lane decides by its class what happens to the batch."""

    name = "outcome"

    def __init__(self, code: str, message: str = "", *, http_status: int | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.http_status = http_status


class NothingTaken(ProviderOutcome):
    """For certain the provider took nothing of this call."""


class Rejected(NothingTaken):
    """The content is refused for good: split the batch to find the culprits, or fail the message."""

    name = "rejected"


class RateLimited(NothingTaken):
    """Too fast: the same bytes and key again after `wait` seconds."""

    name = "rate_limited"

    def __init__(
        self, code: str, message: str = "", *, wait: float, http_status: int | None = None
    ) -> None:
        super().__init__(code, message, http_status=http_status)
        self.wait = wait


class SenderBlocked(NothingTaken):
    """Nothing will go out until a person mends the account, its quota or the settings."""

    name = "sender_blocked"


class Unknown(ProviderOutcome):
    """The provider may or may not have taken it: the same bytes and key again, later."""

    name = "unknown"


class KeyInFlight(ProviderOutcome):
    """An earlier call with this key is still being worked on: ask again soon."""

    name = "key_in_flight"


class KeyConflict(ProviderOutcome):
    """The key is known with other content: never retried, a person must look."""

    name = "key_conflict"


class UnreadableAnswer(ProviderOutcome):
    """The provider took the batch, and its answer does not tell which message is which."""

    name = "unreadable_answer"

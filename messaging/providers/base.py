"""What a provider is to the outbox: one call with exact bytes and a key, and the few ways it can end.

Two kinds. One keeps idempotency keys: whatever is in doubt goes out again under its key. The other keeps none: what
is in doubt is looked up, and only a sender's policy may send it a second time (see `doubts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from messaging.models import Sender
from messaging.webhooks.incoming import Incoming


@dataclass(frozen=True)
class BatchAnswer:
    """The provider took the batch: positions it accepted with its ids, and positions it refused for good.

    Every position of the payload stands in exactly one of the two.
    """

    accepted: dict[int, str]
    rejected: dict[int, tuple[str, str]] = field(default_factory=dict)
    #: The provider asks for this much rest before the next call.
    rest_seconds: float = 0.0
    #: How the log of attempts calls it.
    name: str = "accepted"
    http_status: int | None = 200


class Provider(Protocol):
    """Hands batches over. Calls are made outside any transaction."""

    #: How many messages it takes in one call.
    most_at_once: int

    def send_batch(self, payload: bytes, *, key: str, attempt: int = 1) -> BatchAnswer:
        """Hand over exactly these bytes under this key; `attempt` counts from 1.

        Calling again with the same bytes and key never sends anything twice, as long as the provider
        keeps the key; a Keyless one keeps none. Raises a ProviderOutcome.
        """

    def check_ready(self, sender: Sender) -> None:
        """Raise Refused, naming the setting, where the provider cannot work for this sender."""


@runtime_checkable
class Keyless(Provider, Protocol):
    """A provider that cannot tell a repetition from a second message; it takes one message in a call."""

    def look_up(self, payload: bytes, *, since: datetime) -> list[str]:
        """Return the provider's ids of whatever it took since then that equals the message in this payload.

        Raises a ProviderOutcome: CannotTell where the provider has no way to ask.
        """


@runtime_checkable
class Telling(Provider, Protocol):
    """A provider that can be asked what became of a message, where its own news did not come."""

    def news_of(self, provider_id: str, *, message: str) -> Incoming | None:
        """Return its present state as the webhook that would have told it; None where the provider knows it no more.

        `message` is our public id. Raises a ProviderOutcome where no answer came.
        """


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


class OptedOut(Rejected):
    """The one recipient told the provider to send nothing more: the address is suppressed, too."""

    name = "opted_out"


class NotNow(NothingTaken):
    """Nothing can be taken at present, of any message: the same again after `wait` seconds."""

    name = "not_now"

    def __init__(
        self, code: str, message: str = "", *, wait: float, http_status: int | None = None
    ) -> None:
        super().__init__(code, message, http_status=http_status)
        self.wait = wait


class RateLimited(NotNow):
    """Too fast."""

    name = "rate_limited"


class Deferred(NothingTaken):
    """This one message cannot be taken at present; others may be."""

    name = "deferred"


class SenderBlocked(NothingTaken):
    """Nothing will go out until a person mends the account, its quota or the settings."""

    name = "sender_blocked"


class Unknown(ProviderOutcome):
    """The provider may or may not have taken it: the same bytes and key again, later."""

    name = "unknown"


class InDoubt(ProviderOutcome):
    """A provider without keys may or may not have taken it: it is looked up before anything else."""

    name = "in_doubt"


class KeyInFlight(ProviderOutcome):
    """An earlier call with this key is still being worked on: ask again soon."""

    name = "key_in_flight"


class KeyConflict(ProviderOutcome):
    """The key is known with other content: never retried, a person must look."""

    name = "key_conflict"


class UnreadableAnswer(ProviderOutcome):
    """The provider took the batch, and its answer does not tell which message is which."""

    name = "unreadable_answer"


class CannotTell(ProviderOutcome):
    """A provider without keys that cannot be asked what it took."""

    name = "cannot_tell"

"""How fast a sender goes: a budget shared by its lanes on every machine, and rests that a provider asks for."""

from __future__ import annotations

from math import ceil

from jobs.limits import pause_key, paused_for, take
from messaging.models import Sender

#: What providers take in one call.
MAX_BATCH = 100
#: A paced sender cuts so many batches a second, so that its pace looks even.
BATCHES_PER_SECOND = 4


def batch_size(rate_per_second: float | None) -> int:
    """Return how many messages to put in one batch at this rate: `200 → 50`, `100 a minute → 1`."""
    if rate_per_second is None:
        return MAX_BATCH
    return max(1, min(MAX_BATCH, ceil(rate_per_second / BATCHES_PER_SECOND)))


def admit(sender: Sender, count: int) -> float:
    """Take the budget for `count` messages in the caller's transaction.

    Returns 0.0 when they may go, else the seconds after which to ask again. The sender's burst is
    one second's worth, so that a lane woken late catches up.
    """
    rate = sender.rate_per_second
    if rate is None:
        return paused_for(_key(sender))
    return take(_key(sender), amount=count, per_second=rate, burst=max(count, ceil(rate)))


def rest(sender: Sender, *, seconds: float) -> None:
    """Hold all lanes of a sender for so long, because its provider said so."""
    pause_key(_key(sender), seconds=seconds)


def _key(sender: Sender) -> str:
    return f"sender:{sender.public_id}"

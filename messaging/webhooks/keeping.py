"""Keeping a verified webhook: one row, once, and the reader is awake."""

from __future__ import annotations

from core import clock
from messaging.models import ProviderEvent
from messaging.webhooks import reader
from messaging.webhooks.incoming import Incoming


def keep(incoming: Incoming) -> None:
    """Store a webhook unless it is here already, and see to it that somebody applies it.

    A repeated one wakes the reader too: the first may have been cut off before it could.
    """
    store(incoming)
    reader.wake()


def store(incoming: Incoming) -> None:
    """Store a webhook unless it is here already; whoever calls this wakes the reader once that is committed."""
    row = ProviderEvent(
        source=incoming.source,
        dedupe_key=incoming.dedupe_key,
        kind=incoming.kind,
        query=incoming.query,
        body=incoming.body,
        received_at=clock.now(),
    )
    ProviderEvent.objects.bulk_create([row], ignore_conflicts=True)

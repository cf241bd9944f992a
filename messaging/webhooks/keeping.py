"""Keeping a verified webhook: one row, once, and the reader is awake."""

from __future__ import annotations

from django.db import OperationalError, connection

from core import clock
from jobs.database import hot, is_lost
from messaging.webhooks import reader
from messaging.webhooks.incoming import Incoming


def keep(incoming: Incoming) -> None:
    """Store a webhook unless it is here already, and see to it that somebody applies it.

    A repeated one wakes the reader too: the first may have been cut off before it could.
    """
    try:
        store(incoming)
    except OperationalError as error:
        if connection.in_atomic_block or not is_lost(error):
            raise
        connection.close()  # the database was restarted; storing twice is storing once
        store(incoming)
    reader.wake()


def store(incoming: Incoming) -> None:
    """Store a webhook unless it is here already; whoever calls this wakes the reader once that is committed."""
    hot(
        "INSERT INTO messaging_providerevent (source, dedupe_key, kind, query, body, received_at, note)"
        " VALUES (%s, %s, %s, %s, %s, %s, '') ON CONFLICT (source, dedupe_key) DO NOTHING RETURNING id",
        [
            incoming.source,
            incoming.dedupe_key,
            incoming.kind,
            incoming.query,
            incoming.body,
            connection.ops.adapt_datetimefield_value(clock.now()),
        ],
    )

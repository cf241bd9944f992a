"""The pages of messaging for staff."""

from __future__ import annotations

from messaging.admin import (
    batches,
    content,
    events,
    messages,
    people,
    sandbox,
    senders,
    suppressions,
    templates,
    topics,
)

__all__ = [
    "batches",
    "content",
    "events",
    "messages",
    "people",
    "sandbox",
    "senders",
    "suppressions",
    "templates",
    "topics",
]

"""The pages of messaging for staff."""

from __future__ import annotations

from messaging.admin import batches, messages, sandbox, senders

__all__ = ["batches", "messages", "sandbox", "senders"]

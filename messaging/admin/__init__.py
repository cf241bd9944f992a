"""The pages of messaging for staff."""

from __future__ import annotations

from messaging.admin import batches, messages, people, sandbox, senders, templates

__all__ = ["batches", "messages", "people", "sandbox", "senders", "templates"]

"""The verbs: each is one change, one transaction and one audit entry, whoever presses."""

from __future__ import annotations

from tenders.actions.sources import create_source, disable_source, enable_source, update_source
from tenders.actions.syncing import request_backfill, request_sync
from tenders.actions.windows import close_window, reopen_window

__all__ = [
    "close_window",
    "create_source",
    "disable_source",
    "enable_source",
    "reopen_window",
    "request_backfill",
    "request_sync",
    "update_source",
]

"""The verbs: each is one change, one transaction and one audit entry, whoever presses."""

from __future__ import annotations

from tenders.actions.enriching import request_enrichment, request_enrichment_of
from tenders.actions.searches import (
    begin_again,
    create_search,
    end_search,
    pause_search,
    preview,
    resume_search,
    update_search,
)
from tenders.actions.sources import create_source, disable_source, enable_source, update_source
from tenders.actions.syncing import request_backfill, request_sync
from tenders.actions.windows import close_window, reopen_window

__all__ = [
    "begin_again",
    "close_window",
    "create_search",
    "create_source",
    "disable_source",
    "enable_source",
    "end_search",
    "pause_search",
    "preview",
    "reopen_window",
    "request_backfill",
    "request_enrichment",
    "request_enrichment_of",
    "request_sync",
    "resume_search",
    "update_search",
    "update_source",
]

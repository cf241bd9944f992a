"""Every verb of imports."""

from __future__ import annotations

from imports.actions.aftermath import retry_failed, undo_batch
from imports.actions.creating import create_batch, overrule
from imports.actions.describing import change_settings, set_mapping
from imports.actions.running import (
    cancel_batch,
    pause_batch,
    resume_batch,
    start_batch,
    start_check,
)
from imports.storage import Incoming, earlier_batches, store_path, store_upload

__all__ = [
    "Incoming",
    "cancel_batch",
    "change_settings",
    "create_batch",
    "earlier_batches",
    "overrule",
    "pause_batch",
    "resume_batch",
    "retry_failed",
    "set_mapping",
    "start_batch",
    "start_check",
    "store_path",
    "store_upload",
    "undo_batch",
]

"""Whether an import still has its copies of people; without them it cannot be undone or tried again."""

from __future__ import annotations

from core.errors import Conflict
from imports.models import CsvBatch


def why_forgotten(batch: CsvBatch) -> str:
    """Return why an import can no longer be undone or tried again, or nothing."""
    if batch.forgotten_at is None:
        return ""
    return (
        f"Its copies of people were deleted on {batch.forgotten_at:%-d %B %Y}:"
        " it cannot be undone or tried again, and has no file of errors."
    )


def require_copies(batch: CsvBatch) -> None:
    """Raise Conflict where what an import held of people is deleted, and with it what is asked for now."""
    if why := why_forgotten(batch):
        raise Conflict(
            why,
            field="forgotten_at",
            value=str(batch.forgotten_at),
            remedy="Import the file again, or correct what it wrote where that is.",
            code="copies_deleted",
        )

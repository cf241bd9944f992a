"""Every noun of imports."""

from __future__ import annotations

from imports.models.batches import CsvBatch, CsvRow
from imports.models.files import SavedMapping, StoredFile

__all__ = ["CsvBatch", "CsvRow", "SavedMapping", "StoredFile"]

"""Every noun of imports."""

from __future__ import annotations

from imports.models.batches import CsvBatch, CsvRow
from imports.models.files import SavedMapping, StoredFile
from imports.models.old import ImportBatch, ImportRejection

__all__ = ["CsvBatch", "CsvRow", "ImportBatch", "ImportRejection", "SavedMapping", "StoredFile"]

"""Imports for staff: a file's way from the upload to its report, and the rows behind every number."""

from __future__ import annotations

from imports.admin.batches import CsvBatchAdmin
from imports.admin.rows import CsvRowAdmin

__all__ = ["CsvBatchAdmin", "CsvRowAdmin"]

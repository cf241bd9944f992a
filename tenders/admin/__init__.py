"""Tenders for staff: what there is, what changed, how each source stands, and who is told."""

from __future__ import annotations

from tenders.admin.searches import SavedSearchAdmin
from tenders.admin.sources import SyncWindowAdmin, TenderSourceAdmin
from tenders.admin.tenders import TenderAdmin

__all__ = ["SavedSearchAdmin", "SyncWindowAdmin", "TenderAdmin", "TenderSourceAdmin"]

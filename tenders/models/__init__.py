"""Every noun of tenders."""

from __future__ import annotations

from tenders.models.alerts import AlertDigest, AlertMatch, SavedSearch
from tenders.models.sources import TenderSource
from tenders.models.tenders import OcdsRelease, Tender, TenderEnrichment, TenderEvent, TenderNote
from tenders.models.windows import AbsentNumber, SourcePage, SyncWindow

__all__ = [
    "AbsentNumber",
    "AlertDigest",
    "AlertMatch",
    "OcdsRelease",
    "SavedSearch",
    "SourcePage",
    "SyncWindow",
    "Tender",
    "TenderEnrichment",
    "TenderEvent",
    "TenderNote",
    "TenderSource",
]

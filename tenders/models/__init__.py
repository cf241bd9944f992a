"""Every noun of tenders."""

from __future__ import annotations

from tenders.models.sources import TenderSource
from tenders.models.tenders import OcdsRelease, Tender, TenderEnrichment, TenderEvent, TenderNote
from tenders.models.windows import AbsentNumber, SourcePage, SyncWindow

__all__ = [
    "AbsentNumber",
    "OcdsRelease",
    "SourcePage",
    "SyncWindow",
    "Tender",
    "TenderEnrichment",
    "TenderEvent",
    "TenderNote",
    "TenderSource",
]

"""Which tenders have their turn."""

from __future__ import annotations

from datetime import datetime, timedelta

from core import clock
from tenders.models import Tender, TenderSource
from tenders.models.sources import Enricher
from tenders.states import EnrichmentStatus

#: A sync enriches for so long; what is left has its turn in the next, which must not wait for it.
PATIENCE = timedelta(minutes=20)


def patience() -> str:
    """Return until when a sync that begins to enrich now goes on with it."""
    return (clock.now() + PATIENCE).isoformat()


def due(source: TenderSource, *, most: int, until: str) -> list[str]:
    """Return the public ids of tenders whose turn has come: new ones first, then due retries; in a database step."""
    is_over = clock.now() >= datetime.fromisoformat(until)
    if source.enricher == Enricher.NONE or most <= 0 or is_over:
        return []
    take_in(source)
    return _ids(Tender.objects.filter(source=source).to_enrich()[:most])


def lacking(
    source: TenderSource, *, start: datetime, end: datetime, most: int, before: str = ""
) -> list[str]:
    """Return those published in a span that have no detailed category, the newest first; after `before` the next."""
    rows = Tender.objects.filter(
        source=source, published_at__gte=start, published_at__lt=end, detailed_category=""
    )
    if before:
        last = Tender.from_public_id(before)
        rows = rows.filter(published_at__lte=last.published_at).exclude(
            published_at=last.published_at, pk__gte=last.pk
        )
    return _ids(rows.order_by("-published_at", "-pk")[:most])


def take_in(source: TenderSource) -> None:
    """Give those a turn that came while their source had no enricher."""
    Tender.objects.filter(source=source, enrichment=EnrichmentStatus.DISABLED).update(
        enrichment=EnrichmentStatus.PENDING, enrich_at=source.created_at
    )


def _ids(rows: object) -> list[str]:
    return [tender.public_id for tender in rows.only("id")]  # type: ignore[attr-defined]

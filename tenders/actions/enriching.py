"""Asking for enrichment: of tenders, of a day, of a range of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from jobs.actions import start_run
from jobs.models import Run
from jobs.states import RunStatus
from tenders.models import Tender, TenderSource
from tenders.models.sources import Enricher

ENRICH, RANGE = "tenders.enrich", "tenders.enrich_range"
MOST_AT_ONCE = 1_000
MOST_OF_A_RANGE = 10_000


@transaction.atomic
def request_enrichment(tenders: Sequence[Tender], *, actor: str, force: bool = False) -> Run:
    """Start a run that enriches tenders, a child run for each; with `force` also those that have been enriched."""
    if not 0 < len(tenders) <= MOST_AT_ONCE:
        raise Refused(
            f"{len(tenders):,} tenders cannot be enriched by one request.",
            field="tenders",
            value=len(tenders),
            remedy=f"Name 1 to {MOST_AT_ONCE:,}.",
        )
    for source in {tender.source for tender in tenders}:
        _check_enricher(source)
    ids = [tender.public_id for tender in tenders]
    run = start_run(ENRICH, input={"tenders": ids, "force": force}, actor=actor)
    for tender in tenders[:20]:
        audit.record("tender.enrichment_asked", tender, actor=actor, run=run.public_id)
    return run


@transaction.atomic
def request_enrichment_of(
    source: TenderSource,
    *,
    start: datetime,
    end: datetime,
    actor: str,
    most: int = MOST_OF_A_RANGE,
) -> Run:
    """Start a run that enriches what lacks a detailed category of a span, the newest first. It may be paused."""
    _check_enricher(source)
    if start >= end:
        raise Refused("The range ends before it begins.", field="to", value=end.isoformat())
    if not 0 < most <= MOST_OF_A_RANGE:
        raise Refused(
            f"{most:,} tenders cannot be asked for.",
            field="max_enrichment",
            value=most,
            remedy=f"Choose 1 to {MOST_OF_A_RANGE:,}.",
        )
    run = start_run(
        RANGE,
        input={
            "source": source.key,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "most": most,
        },
        actor=actor,
    )
    if run.status == RunStatus.SKIPPED:
        raise Conflict(
            f"A range of {source.name} is being enriched already ({run.reason}).",
            field="source",
            value=source.key,
            remedy="Watch that run, or cancel it first.",
        )
    audit.record("tender_source.enrichment_asked", source, actor=actor, run=run.public_id)
    return run


def _check_enricher(source: TenderSource) -> None:
    if source.enricher == Enricher.NONE:
        raise Refused(
            f"Nothing enriches the tenders of {source.name}.",
            field="source",
            value=source.key,
            remedy="Choose an enricher on the source's page first.",
        )

"""What an enricher said, kept beside the tender and in its columns; a failure has its next turn later and later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F

from core import clock
from tenders.alerts.matching import look_again
from tenders.enriching.answers import Answer, failed
from tenders.fields import fields_of, words_of
from tenders.models import Tender, TenderEnrichment
from tenders.states import ENRICHMENT_TRANSITIONS, EnrichmentStatus

#: The distances between the turns of a tender that was not found or could not be looked up; then it stays so.
TURNS = (
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=30),
)


def keep(tender: Tender, enricher: str, answer: Answer) -> str:
    """Keep an answer in the caller's transaction; return its outcome. An earlier good answer is never lost."""
    tender = Tender.objects.select_for_update(of=("self",), no_key=True).get(pk=tender.pk)
    TenderEnrichment.objects.create(
        tender=tender,
        enricher=enricher,
        outcome=answer.outcome,
        matched_by=answer.matched_by,
        score=answer.score,
        data=answer.data,
        raw=answer.raw,
        call=answer.call,
        problem=answer.problem,
    )
    outcome = EnrichmentStatus(answer.outcome)
    starts = [
        status for status, following in ENRICHMENT_TRANSITIONS.items() if outcome in following
    ]
    rows = Tender.objects.filter(pk=tender.pk, enrichment__in=starts)
    if answer.outcome == EnrichmentStatus.DONE:
        rows.update(
            enrichment=EnrichmentStatus.DONE,
            enrich_attempts=F("enrich_attempts") + 1,
            enrich_at=None,
            **_columns(tender, answer),
        )
        look_again([tender.pk])  # saved searches may look for what is known now
    else:
        rows.update(
            enrichment=answer.outcome,
            enrich_attempts=F("enrich_attempts") + 1,
            enrich_at=next_turn(tender.enrich_attempts),
        )
    return answer.outcome


def keep_lost(lost: Mapping[str, str]) -> None:
    """Keep that the runs of these tenders came to no answer, and why: they too have their next turn later."""
    for tender_id, why in lost.items():
        tender = Tender.from_public_id(tender_id)
        keep(tender, tender.source.enricher, failed(why))


def next_turn(attempts: int) -> Any:
    """Return when a tender has its next turn after so many before this one; None when there is none."""
    return clock.now() + TURNS[attempts] if attempts < len(TURNS) else None


def _columns(tender: Tender, answer: Answer) -> dict[str, Any]:
    """Return the columns that a good answer sets; the words are made anew of the release as it stands, held."""
    detailed = str(answer.data.get("detailed_category", ""))[:200]
    if not detailed:
        return {}
    columns = fields_of(tender.compiled, zone=tender.source.zone)
    words = words_of(columns, ocid=tender.ocid, detailed_category=detailed)
    return {"detailed_category": detailed, "words": words}

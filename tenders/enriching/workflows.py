"""Durable enrichment: one tender, several, a day, a range."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core import clock
from core.errors import RetryAfter
from jobs.children import ChildFailed
from jobs.context import RunContext
from jobs.flow import Singleton
from jobs.models import Event
from jobs.registry import workflow
from jobs.retrying import Retry
from jobs.triggers import Trigger
from tenders.actions.enriching import (
    ENRICH,
    MOST_OF_A_RANGE,
    RANGE,
    request_enrichment,
    request_enrichment_of,
)
from tenders.actions.sources import find_source
from tenders.actions.syncing import number_in
from tenders.asking import MustWait
from tenders.enriching import choosing, classifying, keeping, south_africa
from tenders.enriching.answers import Answer
from tenders.models import Tender, TenderSource
from tenders.models.sources import Enricher
from tenders.ranges import read_range
from tenders.states import EnrichmentStatus

ONE = "tenders.enrich_one"
#: Runs that look up at once: the limiter of the host is what paces them.
PARALLEL = 3
CHUNK = 50


@workflow(ONE, retry=Retry((60, 600)), is_chore=True)
def enrich_one(run: RunContext, *, tender: str, force: bool = False) -> str:
    """Enrich one tender; not finding it and failing are outcomes, with their next turn later."""
    found = Tender.from_public_id(tender)
    if found.enrichment == EnrichmentStatus.DONE and not force:
        return str(found.enrichment)
    answer = _answer(run, found)
    if answer is None:
        return str(EnrichmentStatus.DISABLED)
    outcome: str = run.transaction("keep", keeping.keep, found, found.source.enricher, answer)
    return outcome


def _answer(run: RunContext, tender: Tender) -> Answer | None:
    if tender.source.enricher == Enricher.AI:
        return classifying.classify(run, tender)
    if tender.source.enricher == Enricher.SOUTH_AFRICA_PORTAL:
        return Answer(**run.step("look up", _look_up, tender, timeout=300))
    return None


def _look_up(tender: Tender) -> dict[str, Any]:
    try:
        return south_africa.look_up(tender, tender.source).as_json()
    except MustWait as wait:
        raise RetryAfter(str(wait), seconds=wait.seconds) from wait


def enrich_all(
    run: RunContext, step: str, ids: list[str], *, force: bool = False
) -> dict[str, int]:
    """Enrich tenders, a child run for each, and count the outcomes; a child that fails is one."""
    inputs = [{"tender": each, "force": force} for each in ids]
    outcomes = run.map(step, ONE, inputs, parallel=PARALLEL, failures="keep") if inputs else []
    counts: dict[str, int] = {}
    for each in outcomes:
        name = str(EnrichmentStatus.FAILED) if isinstance(each, ChildFailed) else str(each)
        counts[name] = counts.get(name, 0) + 1
    return counts


@workflow(ENRICH)
def enrich(run: RunContext, *, tenders: list[str], force: bool = False) -> dict[str, int]:
    """Enrich the tenders that somebody named."""
    return enrich_all(run, "enrich", tenders, force=force)


@workflow(RANGE, singleton=Singleton(key="source"))
def enrich_range(
    run: RunContext,
    *,
    source: str,
    start: datetime,
    end: datetime,
    most: int = MOST_OF_A_RANGE,
) -> dict[str, int]:
    """Enrich what lacks a detailed category of a span, the newest first, a few dozen at a time."""
    found = find_source(source)
    total: dict[str, int] = {}
    done, before = 0, ""
    while done < most:
        wish: dict[str, Any] = {"start": start, "end": end, "before": before}
        wish["most"] = min(CHUNK, most - done)
        ids: list[str] = run.transaction("choose", choosing.lacking, found, **wish)
        if not ids:
            break
        for name, count in enrich_all(run, "enrich", ids).items():
            total[name] = total.get(name, 0) + count
        done, before = done + len(ids), ids[-1]
        run.progress(done, None, f"{total.get(EnrichmentStatus.DONE, 0)} enriched")
    return total


# --- asked for by events -------------------------------------------------------------------------


@workflow(
    "tenders.enrich_asked",
    triggers=[
        Trigger("tender/enrich.requested", input=lambda event: {"data": event.data}),
    ],
)
def enrich_asked(run: RunContext, *, data: dict[str, Any]) -> list[str]:
    """Start the enrichment of the tender, or tenders, that an event names by `ocid` or `ocids`."""
    named = data.get("ocids") or [data.get("ocid")]
    tenders = Tender.objects.filter(ocid__in=[str(ocid) for ocid in named])
    force = bool(data.get("force"))
    started: str = run.transaction(
        "start",
        lambda: request_enrichment(list(tenders), actor=run.actor, force=force).public_id,
    )
    return [started]


@workflow(
    "tenders.enrich_days_asked",
    triggers=[
        Trigger("tender/enrich-today.requested", input=lambda event: days_of(event, today=True)),
        Trigger("tender/enrich-backfill.requested", input=lambda event: days_of(event)),
    ],
)
def enrich_days_asked(run: RunContext, *, data: dict[str, Any], today: bool = False) -> list[str]:
    """Start the enrichment of today, or of a range of days, of the source that an event names, or of each."""
    started: list[str] = run.transaction("start", _start_days, data, today=today, actor=run.actor)
    return started


def days_of(event: Event, *, today: bool = False) -> dict[str, Any]:
    return {"data": event.data, "today": today}


def _start_days(data: dict[str, Any], *, today: bool, actor: str) -> list[str]:
    most = number_in(data, default=MOST_OF_A_RANGE)
    started = []
    for source in _enriched(str(data.get("source") or "")):
        start, end = (
            today_of(source)
            if today
            else read_range(source, str(data.get("fromDate", "")), str(data.get("toDate") or ""))
        )
        run = request_enrichment_of(source, start=start, end=end, actor=actor, most=most)
        started.append(run.public_id)
    return started


def _enriched(key: str) -> list[TenderSource]:
    if key:
        return [find_source(key)]
    return list(TenderSource.objects.exclude(enricher=Enricher.NONE).order_by("key"))


def today_of(source: TenderSource) -> tuple[datetime, datetime]:
    """Return the span of the present day in a source's zone."""
    midnight = (
        clock.now().astimezone(source.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    )
    return midnight, midnight + timedelta(days=1)

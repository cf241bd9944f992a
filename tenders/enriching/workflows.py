"""Durable enrichment: one tender, several, a day, a range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core import clock
from core.errors import Conflict, RetryAfter
from jobs.children import ChildFailed
from jobs.context import RunContext
from jobs.flow import Concurrency, Singleton
from jobs.models import Event, Run
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
from tenders.asking import MustWait, is_left_alone
from tenders.enriching import choosing, classifying, keeping, south_africa
from tenders.enriching.answers import Answer, failed
from tenders.models import Tender, TenderSource
from tenders.models.sources import Enricher
from tenders.ranges import read_range
from tenders.states import EnrichmentStatus

ONE = "tenders.enrich_one"
#: Runs that look up at once: the limiter of the host is what paces them.
PARALLEL = 3
CHUNK = 50
#: A portal that wants to be left alone is waited for so long; then the tender has its turn later.
PATIENCE = timedelta(minutes=10)
#: Nobody waits for a single tender for longer: not for a portal, nor for a person who decides about a paid call.
DEADLINE = 3600.0


@workflow(
    ONE,
    retry=Retry((60, 600)),
    concurrency=[Concurrency(1, key="tender")],  # who asks for it meanwhile finds it done
    deadline=DEADLINE,
    is_chore=True,
)
def enrich_one(run: RunContext, *, tender: str, force: bool = False) -> str:
    """Enrich one tender; not finding it and failing are outcomes, with their next turn later."""
    found = Tender.from_public_id(tender)
    if found.enrichment == EnrichmentStatus.DONE and not force:
        return str(found.enrichment)
    answer = _answer(run, found, force=force)
    if answer is None:
        return str(EnrichmentStatus.DISABLED)
    outcome: str = run.transaction("keep", keeping.keep, found, found.source.enricher, answer)
    return outcome


def _answer(run: RunContext, tender: Tender, *, force: bool) -> Answer | None:
    if tender.source.enricher == Enricher.AI:
        return classifying.classify(run, tender, force=force)
    if tender.source.enricher == Enricher.SOUTH_AFRICA_PORTAL:
        return Answer(**run.step("look up", _look_up, run, tender, timeout=300))
    return None


def _look_up(run: RunContext, tender: Tender) -> dict[str, Any]:
    try:
        return south_africa.look_up(tender, tender.source).as_json()
    except MustWait as wait:
        if _is_past_patience(run, tender.source, wait):
            return failed(str(wait)).as_json()
        raise RetryAfter(str(wait), seconds=wait.seconds) from wait


def _is_past_patience(run: RunContext, source: TenderSource, wait: MustWait) -> bool:
    """Whether a portal wants to be left alone for longer than a sync can be held up by it."""
    began_at = Run.from_public_id(run.id).created_at
    is_its_wish = wait.was_told or is_left_alone(source.portal_url)
    return is_its_wish and clock.now() + timedelta(seconds=wait.seconds) > began_at + PATIENCE


def enrich_due(run: RunContext, source: TenderSource, *, most: int) -> dict[str, int]:
    """Enrich the tenders of a source whose turn has come, some at a time and for a while, and count the outcomes."""
    until: str = run.transaction("begin to enrich", choosing.patience)
    total: dict[str, int] = {}
    while most > 0:
        wish: dict[str, Any] = {"most": min(CHUNK, most), "until": until}
        ids: list[str] = run.transaction("plan enrichment", choosing.due, source, **wish)
        if not ids:
            break
        _add(total, enrich_all(run, "enrich", ids))
        most -= len(ids)
    return total


def enrich_all(
    run: RunContext, step: str, ids: list[str], *, force: bool = False
) -> dict[str, int]:
    """Enrich tenders, a child run for each, and count the outcomes; a child that fails is one."""
    inputs = [{"tender": each, "force": force} for each in ids]
    outcomes = run.map(step, ONE, inputs, parallel=PARALLEL, failures="keep") if inputs else []
    lost = {
        tender: str(outcome)
        for tender, outcome in zip(ids, outcomes, strict=False)
        if isinstance(outcome, ChildFailed)
    }
    if lost:
        run.transaction("note what was lost", keeping.keep_lost, lost)
    names = (
        EnrichmentStatus.FAILED if isinstance(each, ChildFailed) else each for each in outcomes
    )
    return dict(Counter(map(str, names)))


def _add(total: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count


@workflow(ENRICH)
def enrich(run: RunContext, *, tenders: list[str], force: bool = False) -> dict[str, int]:
    """Enrich the tenders that somebody named, a few dozen at a time."""
    total: dict[str, int] = {}
    for start in range(0, len(tenders), CHUNK):
        _add(total, enrich_all(run, "enrich", tenders[start : start + CHUNK], force=force))
        run.progress(min(start + CHUNK, len(tenders)), len(tenders))
    return total


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
        _add(total, enrich_all(run, "enrich", ids))
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
    tenders = Tender.objects.of_processes([str(ocid) for ocid in named]).select_related("source")
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
    key = str(data.get("source") or "")
    for source in _enriched(key):
        start, end = (
            today_of(source)
            if today
            else read_range(source, str(data.get("fromDate", "")), str(data.get("toDate") or ""))
        )
        try:
            run = request_enrichment_of(source, start=start, end=end, actor=actor, most=most)
        except Conflict:
            if key:
                raise
            continue  # one that is under way holds up no other
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

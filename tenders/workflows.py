"""Durable work: sync a source, fetch a range of it, and start what is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.context import RunContext
from jobs.flow import Singleton
from jobs.models import Event
from jobs.registry import workflow
from jobs.retrying import Retry
from jobs.triggers import Trigger
from tenders import planning, revisiting, summing, tending
from tenders.actions.sources import find_source
from tenders.actions.syncing import (
    BACKFILL,
    MOST_ENRICHMENT,
    SYNC,
    start_asked,
    start_due_syncs,
    start_revisits,
)
from tenders.actions.telling import ALERT, request_alerts
from tenders.alerts import digests, matching
from tenders.crawling import MOST_WAITS, Crawler
from tenders.enriching.workflows import enrich_due
from tenders.states import WindowKind


def data_of(event: Event) -> dict[str, Any]:
    return {"data": event.data}


@workflow(SYNC, singleton=Singleton(key="source"), retry=Retry((30, 300)))
def sync(run: RunContext, *, source: str, max_enrichment: int = MOST_ENRICHMENT) -> dict[str, Any]:
    """Bring a source up to date; the run is the job log, and its output says SUCCESS or PARTIAL, with counts.

    1. Windows up to now are planned, and every gap is taken up anew. 2. They are fetched, saved, and proven complete or
    left open. 3. What is new is enriched, at most so much. 4. Saved searches look at it. 5. The log is closed.
    """
    found = find_source(source)
    run.transaction("plan windows", planning.plan_live, found)
    Crawler(run, found, WindowKind.LIVE).crawl()
    enriched = enrich_due(run, found, most=max_enrichment)
    run.transaction("tell those who asked", request_alerts, actor=run.actor)
    log: dict[str, Any] = run.transaction("close the log", summing.sum_up, found, run.id, enriched)
    run.progress(log["pages"], log["pages"], summing.in_words(log))
    return log


@workflow(BACKFILL, singleton=Singleton(key="source"), retry=Retry((30, 300)))
def backfill(
    run: RunContext, *, source: str, max_enrichment: int = MOST_ENRICHMENT
) -> dict[str, Any]:
    """Fetch what is open of the ranges that somebody asked for, the newest window first; then enrich some of it."""
    found = find_source(source)
    run.transaction("plan windows", planning.retry_gaps, found, WindowKind.BACKFILL)
    Crawler(run, found, WindowKind.BACKFILL).crawl()
    enriched = enrich_due(run, found, most=max_enrichment)
    log: dict[str, Any] = run.transaction("close the log", summing.sum_up, found, run.id, enriched)
    run.progress(log["pages"], log["pages"], summing.in_words(log))
    return log


@workflow("tenders.sync_all", cron="*/30 * * * *")
def sync_all(run: RunContext) -> list[str]:
    """Start a sync of every source that is switched on."""
    started: list[str] = run.transaction("start", start_due_syncs, actor=run.actor)
    return started


@workflow(
    ALERT, cron="*/5 * * * *", singleton=Singleton(), retry=Retry((5, 60, 300)), is_chore=True
)
def alert(run: RunContext) -> dict[str, int]:
    """Match what changed with the saved searches, and write to those whose moment has come.

    Each chunk is one transaction with its checkpoint: a match is never lost, and mentioned by one message.
    """
    matched = _all(lambda: int(run.transaction("match", matching.match_chunk)), matching.CHUNK)
    closing: int = run.transaction("look ahead", matching.look_ahead)
    written = 0

    def write() -> int:
        nonlocal written
        chunk = run.transaction("write", digests.write_chunk)
        written += chunk["written"]
        return int(chunk["looked"])

    _all(write, digests.CHUNK)
    return {"changes": matched, "closing": closing, "messages": written}


def _all(chunk: Callable[[], int], full: int) -> int:
    """Do chunks until one is not full; return how much there was."""
    total = 0
    while (count := chunk()) == full:
        total += count
    return total + count


@workflow("tenders.revisit", singleton=Singleton(key="source"))
def revisit(run: RunContext, *, source: str) -> dict[str, int]:
    """Ask again for the tenders of a source that are still open, a few at a time."""
    found = find_source(source)
    ocids: list[str] = run.transaction("choose", revisiting.open_ocids, found)
    total = {"asked": 0, "changed": 0, "failed": 0}
    waits = 0
    while some := ocids[total["asked"] :][: revisiting.CHUNK]:
        counts = run.step("ask again", revisiting.ask_again, run, found, some)
        total = {name: total[name] + counts[name] for name in total}
        run.progress(total["asked"], len(ocids), f"{total['changed']} changed")
        if wait := counts.get("wait"):
            waits = 0 if counts["asked"] else waits + 1
            if waits > MOST_WAITS:
                break  # the others have their turn tomorrow
            run.sleep("leave the host alone", wait)
    run.transaction("tell those who asked", request_alerts, actor=run.actor)
    return total


@workflow("tenders.revisit_all", cron="10 1 * * *")
def revisit_all(run: RunContext) -> list[str]:
    """Ask again for open tenders, of each source that shows changes in no other way."""
    started: list[str] = run.transaction("start", start_revisits, actor=run.actor)
    return started


@workflow("tenders.sync_asked", triggers=[Trigger("tender/sync.requested", input=data_of)])
def sync_asked(run: RunContext, *, data: dict[str, Any]) -> list[str]:
    """Start what an event asks for: a sync of its `source`, or of each that is switched on; a range with `fromDate`."""
    started: list[str] = run.transaction("start", start_asked, data, actor=run.actor)
    return started


@workflow("tenders.watch_sources", cron="20 * * * *")
def watch_sources(run: RunContext) -> list[str]:
    """Alert staff of sources that fell silent."""
    alarmed: list[str] = run.transaction("alarm", tending.alarm_of_silence)
    return alarmed


@workflow("tenders.tidy", cron="40 3 * * *")
def tidy(run: RunContext) -> dict[str, int]:
    """Delete pages and windows that have been kept long enough; open the windows of runs that are over."""
    counts = {"pages": 0, "windows": 0}
    counts["opened"] = run.transaction("open abandoned windows", tending.open_abandoned_windows)
    for name, forget in (("pages", tending.forget_pages), ("windows", tending.forget_windows)):
        while count := run.transaction(f"forget {name}", forget):
            counts[name] += count
    return counts

"""Asking for a sync, now or of a range; and the schedule that asks by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from jobs.actions import start_run
from jobs.models import Run
from jobs.states import RunStatus
from tenders.actions.sources import find_source
from tenders.models import SyncWindow, TenderSource
from tenders.planning import plan_backfill
from tenders.ranges import read_range
from tenders.revisiting import is_revisited
from tenders.states import WindowKind

SYNC, BACKFILL, REVISIT = "tenders.sync", "tenders.backfill", "tenders.revisit"
MOST_ENRICHMENT = 300


@transaction.atomic
def request_sync(source: TenderSource, *, actor: str, max_enrichment: int = MOST_ENRICHMENT) -> Run:
    """Start a sync of a source; raise Conflict while one is under way."""
    check_enrichment(max_enrichment)
    run = start_run(
        SYNC, input={"source": source.key, "max_enrichment": max_enrichment}, actor=actor
    )
    if run.status == RunStatus.SKIPPED:
        raise Conflict(
            f"{source.name} is being synced already ({run.reason}).",
            field="source",
            value=source.key,
            remedy="Watch that run, or wait for its end.",
        )
    audit.record("tender_source.sync_asked", source, actor=actor, run=run.public_id)
    return run


@transaction.atomic
def request_backfill(
    source: TenderSource,
    *,
    start: datetime,
    end: datetime,
    actor: str,
    max_enrichment: int = MOST_ENRICHMENT,
) -> Run | None:
    """Plan the windows of a range and start the run that fetches them, the newest first.

    None where a backfill is under way, which takes them too. Raises Refused for a range that cannot be.
    """
    check_enrichment(max_enrichment)
    windows = plan_backfill(source, start=start, end=end)
    run = start_backfill(source, actor=actor, max_enrichment=max_enrichment)
    audit.record(
        "tender_source.backfill_asked",
        source,
        actor=actor,
        start=start.isoformat(),
        end=end.isoformat(),
        windows=len(windows),
    )
    return run


def start_backfill(
    source: TenderSource, *, actor: str, max_enrichment: int = MOST_ENRICHMENT
) -> Run | None:
    """Start the run that fetches what is open of ranges; None where one is under way."""
    wish = {"source": source.key, "max_enrichment": max_enrichment}
    run = start_run(BACKFILL, input=wish, actor=actor)
    return None if run.status == RunStatus.SKIPPED else run


def start_due_syncs(*, actor: str) -> list[str]:
    """Start a sync of every source that is switched on, and a backfill where one has gaps; return their runs."""
    started: list[Run | None] = []
    for source in TenderSource.objects.filter(is_enabled=True):
        started.append(_unless_under_way(source, actor=actor))
        gaps = SyncWindow.objects.gaps().filter(source=source, kind=WindowKind.BACKFILL)
        if gaps.exists():
            started.append(start_backfill(source, actor=actor))
    return [run.public_id for run in started if run is not None]


def start_revisits(*, actor: str) -> list[str]:
    """Start the daily second look at open tenders where a source needs one; return the runs."""
    sources = filter(is_revisited, TenderSource.objects.filter(is_enabled=True))
    runs = [start_run(REVISIT, input={"source": s.key}, actor=actor) for s in sources]
    return [run.public_id for run in runs if run.status != RunStatus.SKIPPED]


def start_asked(data: dict[str, Any], *, actor: str) -> list[str]:
    """Start what an event `tender/sync.requested` asks for; what is under way is left alone. Return the runs."""
    key, number = str(data.get("source") or ""), number_in(data, default=MOST_ENRICHMENT)
    check_enrichment(number)
    wanted = [find_source(key)] if key else list(TenderSource.objects.filter(is_enabled=True))
    started: list[Run | None] = []
    for source in wanted:
        if data.get("fromDate"):
            start, end = read_range(source, str(data["fromDate"]), str(data.get("toDate") or ""))
            wish: dict[str, Any] = {"start": start, "end": end, "max_enrichment": number}
            started.append(request_backfill(source, actor=actor, **wish))
        else:
            started.append(_unless_under_way(source, actor=actor, max_enrichment=number))
    return [run.public_id for run in started if run is not None]


def _unless_under_way(
    source: TenderSource, *, actor: str, max_enrichment: int = MOST_ENRICHMENT
) -> Run | None:
    wish = {"source": source.key, "max_enrichment": max_enrichment}
    run = start_run(SYNC, input=wish, actor=actor)
    return None if run.status == RunStatus.SKIPPED else run


def number_in(data: dict[str, Any], *, default: int) -> int:
    """Return the `maxEnrichment` of an event's data; refuse what is no number."""
    number = data.get("maxEnrichment", default)
    if isinstance(number, bool) or not isinstance(number, int):
        raise Refused(
            f"{number!r} is no number of tenders.",
            field="maxEnrichment",
            value=number,
            remedy=f"Send a whole number, such as {default}.",
        )
    return number


def check_enrichment(number: int) -> None:
    if not 0 <= number <= MOST_ENRICHMENT:
        raise Refused(
            f"{number} tenders cannot be enriched in one sync.",
            field="max_enrichment",
            value=number,
            remedy=f"Choose 0 to {MOST_ENRICHMENT}; the others have their turn in the next.",
        )

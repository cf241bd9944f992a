"""What a run did, for its log: an outcome and counts, taken from what it wrote."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Sum

from jobs.models import Run
from tenders.models import OcdsRelease, SourcePage, SyncWindow, TenderSource
from tenders.states import GAPS, WindowStatus

SUCCESS, PARTIAL, FAILED = "SUCCESS", "PARTIAL", "FAILED"


def sum_up(
    source: TenderSource, run_id: str, enriched: dict[str, int] | None = None
) -> dict[str, Any]:
    """Return how a sync went: PARTIAL where a window stays open, FAILED where no page could be had at all."""
    run = Run.from_public_id(run_id)
    windows = SyncWindow.objects.filter(source=source, run=run)
    counts = windows.aggregate(
        complete=Count("pk", filter=Q(status=WindowStatus.COMPLETE)),
        open=Count("pk", filter=Q(status__in=GAPS)),
        failed_requests=Sum("error_count"),
    )
    pages = SourcePage.objects.filter(window__in=windows, fetched_at__gte=run.created_at)
    held = pages.aggregate(pages=Count("pk", filter=~Q(content_digest="")), all=Count("pk"))
    new = OcdsRelease.objects.filter(page__in=pages, first_seen_at__gte=run.created_at)
    problems = windows.filter(status__in=GAPS).exclude(problem="").order_by("starts_at")
    outcome = PARTIAL if counts["open"] else SUCCESS
    if counts["open"] and not counts["complete"] and not held["pages"]:
        outcome = FAILED
    return {
        "outcome": outcome,
        "windows_complete": counts["complete"],
        "windows_open": counts["open"],
        "pages": held["pages"],
        "new_releases": new.count(),
        "failed_requests": counts["failed_requests"] or 0,
        "enriched": enriched or {},
        "problems": list(problems.values_list("problem", flat=True)[:5]),
    }


def in_words(log: dict[str, Any]) -> str:
    """Return a log in one line."""
    open_windows = f", {log['windows_open']} windows open" if log["windows_open"] else ""
    return f"{log['outcome']}: {log['new_releases']} new releases{open_windows}"

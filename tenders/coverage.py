"""How a source stands: its time as a strip of windows, what is missing of it, and how its requests fare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.urls import reverse

from core import clock
from core.live import Figure, Look
from jobs.models import Run
from tenders.actions.syncing import BACKFILL, SYNC
from tenders.models import SyncWindow, Tender, TenderSource
from tenders.states import GAPS, WindowKind, WindowStatus

SHOWN_DAYS = 14
MOST_WINDOWS = 1_000
MOST_GAPS = 20
WIDTH = 1_000.0
TONES = {
    WindowStatus.COMPLETE: "good",
    WindowStatus.CLOSED: "quiet",
    WindowStatus.FETCHING: "calm",
    WindowStatus.OPEN: "bad",
}


@dataclass(frozen=True)
class Span:
    """A window as the strip draws it: from `x`, so wide, of `WIDTH` in all."""

    window: SyncWindow
    x: float
    width: float
    tone: str
    url: str

    @property
    def says(self) -> str:
        told = f"{self.window}: {self.window.get_status_display().lower()}"
        why = self.window.problem or self.window.closed_reason
        return f"{told}. {why}" if why else told


@dataclass(frozen=True)
class Health:
    """What a source's page shows."""

    look: Look
    spans: list[Span]
    begins: datetime
    ends: datetime
    figures: list[Figure]
    gaps: list[SyncWindow]
    runs: list[Run]


def health_of(source: TenderSource) -> Health:
    """Return how a source stands now."""
    ends = clock.now()
    begins = ends - timedelta(days=SHOWN_DAYS)
    gaps = SyncWindow.objects.gaps().filter(source=source).order_by("starts_at")
    runs = Run.objects.filter(workflow__in=[SYNC, BACKFILL], input__source=source.key)
    return Health(
        look=_look(source, gap_count=gaps.count()),
        spans=_spans(source, begins, ends),
        begins=begins,
        ends=ends,
        figures=_figures(source, begins),
        gaps=list(gaps[:MOST_GAPS]),
        runs=list(runs.order_by("-pk")[:5]),
    )


def _look(source: TenderSource, *, gap_count: int) -> Look:
    if gap_count:
        windows = "1 window" if gap_count == 1 else f"{gap_count} windows"
        return Look(f"{windows} not proven complete", "error", "bad")
    if not source.is_enabled:
        return Look("Not synced by schedule", "pause_circle", "quiet")
    return Look("Nothing is missing", "verified", "good")


def _spans(source: TenderSource, begins: datetime, ends: datetime) -> list[Span]:
    windows = SyncWindow.objects.filter(
        source=source, kind=WindowKind.LIVE, ends_at__gt=begins, starts_at__lt=ends
    ).exclude(status=WindowStatus.SPLIT)
    found = []
    for window in windows.order_by("-starts_at")[:MOST_WINDOWS]:
        window.source = source
        start = _place(max(window.starts_at, begins), begins, ends)
        width = _place(min(window.ends_at, ends), begins, ends) - start
        url = reverse("admin:tenders_syncwindow_change", args=[window.pk])
        tone = TONES[WindowStatus(window.status)]
        found.append(Span(window, round(start, 2), round(max(width, 0.5), 2), tone, url))
    return found[::-1]


def _place(at: datetime, begins: datetime, ends: datetime) -> float:
    return (at - begins) / (ends - begins) * WIDTH


def _figures(source: TenderSource, since: datetime) -> list[Figure]:
    lately = SyncWindow.objects.filter(source=source, ends_at__gt=since)
    sums = lately.aggregate(
        pages=Sum("page_count"),
        failed=Sum("error_count"),
        new=Sum("new_count"),
        notes=Sum("note_count"),
        gaps=Count("pk", filter=Q(status__in=GAPS)),
    )
    pages, failed, new, notes, gaps = (
        sums[n] or 0 for n in ("pages", "failed", "new", "notes", "gaps")
    )
    windows = reverse("admin:tenders_syncwindow_changelist") + f"?source__id__exact={source.pk}"
    tenders = reverse("admin:tenders_tender_changelist") + f"?find-sources={source.key}"
    return [
        Figure("tenders", "Tenders", Tender.objects.filter(source=source).count(), tenders),
        Figure("new", "New releases in 14 days", new),
        Figure("gaps", "Open windows", gaps, windows, "bad" if gaps else "good"),
        Figure(
            "failed",
            f"Failed requests beside {pages:,} pages",
            failed,
            "",
            "warn" if failed else "good",
        ),
        Figure("notes", "Notes on faults", notes),
    ]

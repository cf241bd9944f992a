"""Spans of time to be fetched: live ones tile a source's time up to now, and the cursor stands at the oldest gap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min

from core import clock
from core.errors import Refused
from jobs.states import ACTIVE
from tenders.models import SyncWindow, TenderSource
from tenders.states import WindowKind, WindowStatus

#: A live window is at least so long: who presses twice makes no sliver.
SHORTEST = timedelta(seconds=60)
MOST_WINDOWS = 20_000


def locked(source: TenderSource) -> TenderSource:
    """Return the source as it stands, held until the transaction ends: whoever saves or plans takes it first."""
    return TenderSource.objects.select_for_update(no_key=True).get(pk=source.pk)


@transaction.atomic
def plan_live(source: TenderSource) -> int:
    """Plan windows up to now; return how many there are to fetch. Every gap is tried anew."""
    source = locked(source)
    now = clock.now()
    if now - source.planned_until >= SHORTEST:
        spans = tiles(source.planned_until, now, step=source.step)
        SyncWindow.objects.bulk_create(
            SyncWindow(source=source, kind=WindowKind.LIVE, starts_at=start, ends_at=end)
            for start, end in spans
        )
        TenderSource.objects.filter(pk=source.pk).update(planned_until=now)
    retry_gaps(source, WindowKind.LIVE)
    move_cursor(source)
    return SyncWindow.objects.gaps().filter(source=source, kind=WindowKind.LIVE).count()


@transaction.atomic
def plan_backfill(source: TenderSource, *, start: datetime, end: datetime) -> list[SyncWindow]:
    """Plan windows of a range; return those that are to be fetched. A range that was planned before is fetched anew."""
    refuse_range(source, start=start, end=end)
    source = locked(source)
    spans = list(tiles(start, end, step=source.step))
    rows = [
        SyncWindow(source=source, kind=WindowKind.BACKFILL, starts_at=start, ends_at=end)
        for start, end in spans
    ]
    SyncWindow.objects.filter(
        source=source, kind=WindowKind.BACKFILL, starts_at__gte=start, ends_at__lte=end
    ).exclude(status=WindowStatus.FETCHING).delete()
    SyncWindow.objects.bulk_create(rows, ignore_conflicts=True)
    retry_gaps(source, WindowKind.BACKFILL)
    return rows


def refuse_range(source: TenderSource, *, start: datetime, end: datetime) -> None:
    if start > clock.now():
        raise Refused(f"{start:%Y-%m-%d} has not come yet.", field="from", value=start.isoformat())
    if start >= end:
        raise Refused(
            f"The range ends on {end:%Y-%m-%d %H:%M}, which is not after its start.",
            field="to",
            value=end.isoformat(),
            remedy="Name an end after the start.",
        )
    if (end - start) / source.step > MOST_WINDOWS:
        raise Refused(
            f"The range makes more than {MOST_WINDOWS:,} windows.",
            field="from",
            value=start.isoformat(),
            remedy="Name a shorter one, or several.",
        )


def tiles(
    start: datetime, end: datetime, *, step: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield spans without gaps or overlaps, none longer than a step."""
    while start < end:
        following = min(start + step, end)
        yield start, following
        start = following


def retry_gaps(source: TenderSource, kind: WindowKind) -> None:
    """Take up every gap, also one whose run died in the middle; in the caller's transaction."""
    gaps = SyncWindow.objects.gaps().filter(source=source, kind=kind)
    gaps.filter(status=WindowStatus.FETCHING).exclude(run__status__in=ACTIVE).update(
        status=WindowStatus.OPEN, run=None
    )
    gaps.update(next_attempt_at=None, failures=0)


def move_cursor(source: TenderSource, **changes: Any) -> None:
    """Set the cursor to the start of the oldest live gap, else to where planning ended; in the caller's transaction."""
    gaps = SyncWindow.objects.gaps().filter(source=source, kind=WindowKind.LIVE)
    oldest = gaps.aggregate(start=Min("starts_at"))["start"]
    planned = TenderSource.objects.values_list("planned_until", flat=True).get(pk=source.pk)
    TenderSource.objects.filter(pk=source.pk).update(cursor_at=oldest or planned, **changes)

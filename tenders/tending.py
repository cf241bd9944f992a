"""What is watched and tidied without being asked: sources that fall silent, pages that have been kept long enough."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from django.db import transaction

from core import clock
from jobs.states import ACTIVE
from messaging.alerts import raise_alert
from tenders.models import SourcePage, SyncWindow, TenderSource
from tenders.states import WindowStatus

PAGES_KEPT_FOR = timedelta(days=14)
WINDOWS_KEPT_FOR = timedelta(days=180)
ALARM_AGAIN_AFTER = timedelta(hours=24)
CHUNK = 500


def alarm_of_silence(*, now: datetime | None = None) -> list[str]:
    """Alert staff of each source without new data for too many hours of working days; return their keys."""
    now = now or clock.now()
    alarmed = []
    for source in TenderSource.objects.filter(is_enabled=True):
        since = source.last_new_at or source.created_at
        hours = working_hours(since, now, zone=source.zone)
        is_told = source.alarmed_at is not None and source.alarmed_at > now - ALARM_AGAIN_AFTER
        if hours >= source.stale_after_hours and not is_told:
            _alarm(source, hours=hours, now=now)
            alarmed.append(source.key)
    return alarmed


@transaction.atomic
def _alarm(source: TenderSource, *, hours: float, now: datetime) -> None:
    rows = TenderSource.objects.filter(pk=source.pk, alarmed_at=source.alarmed_at)
    if not rows.update(alarmed_at=now):
        return
    gaps = SyncWindow.objects.gaps().filter(source=source).exclude(problem="")
    problem = gaps.order_by("starts_at").values_list("problem", flat=True).first()
    raise_alert(
        f"No new tenders of {source.name} for {hours:.0f} hours of working days",
        f"The last came at {source.last_new_at or 'no time at all'}; it is proven until {source.cursor_at}. "
        + (f"The oldest gap says: {problem}" if problem else "Its syncs report no problem."),
    )


def working_hours(start: datetime, end: datetime, *, zone: tzinfo) -> float:
    """Return the hours of Mondays to Fridays between two moments, as a zone has them."""
    total, at = timedelta(), start.astimezone(zone)
    last = end.astimezone(zone)
    while at < last:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        until = min(midnight, last)
        if at.weekday() < 5:
            total += until - at
        at = until
    return total.total_seconds() / 3600


def open_abandoned_windows() -> int:
    """Show as open what nobody fetches any more, because its run was cancelled or failed; return how many."""
    held = SyncWindow.objects.filter(status=WindowStatus.FETCHING)
    return held.exclude(run__status__in=ACTIVE).update(status=WindowStatus.OPEN, run=None)


def forget_pages() -> int:
    """Delete pages that are older than a fortnight, some at a time; return how many."""
    old = SourcePage.objects.filter(fetched_at__lt=clock.now() - PAGES_KEPT_FOR)
    keys = list(old.exclude(saved_at=None).values_list("pk", flat=True)[:CHUNK])
    SourcePage.objects.filter(pk__in=keys).delete()
    return len(keys)


def forget_windows() -> int:
    """Delete windows that were proven long ago; what was given up stays, with its reason."""
    old = SyncWindow.objects.filter(ends_at__lt=clock.now() - WINDOWS_KEPT_FOR)
    over = old.filter(status__in=[WindowStatus.COMPLETE, WindowStatus.SPLIT])
    keys = list(over.values_list("pk", flat=True)[:CHUNK])
    SyncWindow.objects.filter(pk__in=keys).delete()
    return len(keys)

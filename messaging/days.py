"""A sender's days: what was handed over on each, counted where a limit asks for it.

The count is taken in the transaction that freezes a batch, so no number of lanes or machines goes over it, and a
batch that is dissolved gives it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db.models import F, Sum
from django.db.models.functions import Greatest

from core import clock
from messaging.allowances import allowance_on, day_of, days_from, days_needed, next_day, ramp_of
from messaging.models import SendBatch, Sender, SenderDay
from messaging.states import BatchStatus


def today(sender: Sender) -> date:
    return day_of(clock.now(), zone=sender.zone)


def allowance(sender: Sender, day: date) -> int | None:
    """Return how many messages a sender may hand over on a day, or None where nothing limits it."""
    return allowance_on(
        day,
        daily_cap=sender.daily_cap,
        ramp=ramp_of(sender.warm_up),
        ramp_from=sender.warm_up_from,
    )


def used_on(sender: Sender, day: date) -> int:
    """Return how many messages were handed over on a day; where nothing counted them yet, by the batches."""
    row = SenderDay.objects.filter(sender=sender, day=day).first()
    return _cut_on(sender, day) if row is None else row.count


def left_today(sender: Sender) -> int | None:
    """Return how many may still go today, or None where nothing limits it."""
    day = today(sender)
    allowed = allowance(sender, day)
    return None if allowed is None else max(0, allowed - used_on(sender, day))


def more_days(sender: Sender, messages: int) -> int:
    """Return how many days after today so many messages need; 0 where today is enough."""
    later = days_from(
        today(sender) + timedelta(days=1),
        daily_cap=sender.daily_cap,
        ramp=ramp_of(sender.warm_up),
        ramp_from=sender.warm_up_from,
    )
    return days_needed(messages, left_today=left_today(sender), later=later)


def take(sender: Sender, count: int) -> bool:
    """Count messages on today in the caller's transaction; False, and nothing counted, where that is too many."""
    day = today(sender)
    allowed = allowance(sender, day)
    if allowed is None:
        return True
    row = SenderDay.objects.filter(sender=sender, day=day)
    if not row.exists():
        first = SenderDay(sender=sender, day=day, count=_cut_on(sender, day))
        SenderDay.objects.bulk_create([first], ignore_conflicts=True)
    return bool(row.filter(count__lte=allowed - count).update(count=F("count") + count))


def close_today(sender: Sender) -> None:
    """Let a sender rest until its next day begins."""
    opens = next_day(clock.now(), zone=sender.zone)
    Sender.objects.filter(pk=sender.pk).update(not_before=opens)


def give_back(batches: Iterable[SendBatch]) -> None:
    """Return what dissolved batches had taken to the day on which they were cut."""
    for batch in batches:
        day = day_of(batch.created_at, zone=batch.sender.zone)
        rows = SenderDay.objects.filter(sender=batch.sender_id, day=day)
        if rows.update(count=Greatest(F("count") - batch.count, 0)):
            Sender.objects.filter(pk=batch.sender_id).update(not_before=None)


def _cut_on(sender: Sender, day: date) -> int:
    begun = datetime.combine(day, time(), tzinfo=sender.zone)
    batches = SendBatch.objects.filter(sender=sender, created_at__gte=begun)
    kept = batches.exclude(status=BatchStatus.DISSOLVED)
    return kept.aggregate(total=Sum("count"))["total"] or 0

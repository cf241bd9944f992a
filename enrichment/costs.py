"""What was spent, by day and purpose: the days are those of the staff's time zone."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from enrichment.models import AiCall


def costs_by_day(*, since: date, until: date) -> list[dict[str, Any]]:
    """Return `{day, purpose, calls, cost_micros}` of the calls that were sent on these days, oldest first."""
    zone = timezone.get_default_timezone()
    start = datetime.combine(since, time.min, zone)
    end = datetime.combine(until, time.max, zone)
    paid = AiCall.objects.paid().filter(created_at__gte=start, created_at__lte=end)
    by_day = paid.annotate(day=TruncDate("created_at", tzinfo=zone)).values("day", "purpose")
    summed = by_day.annotate(calls=Count("id"), cost_micros=Sum("cost_micros"))
    return [dict(row) for row in summed.order_by("day", "purpose")]

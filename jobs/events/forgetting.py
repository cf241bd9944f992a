"""Forgets events past their days, and never one that a run under way may still look for."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min

from core import clock
from jobs.models import Event, Run, Wait
from jobs.states import OVER

CHUNK = 1_000


def forget_events() -> int:
    """Delete one chunk of old events with what came of them; return how many."""
    old = Event.objects.filter(received_at__lt=_horizon(), dispatched_at__isnull=False)
    chunk = list(old.order_by("id").values_list("pk", flat=True)[:CHUNK])
    Event.objects.filter(pk__in=chunk).delete()
    return len(chunk)


def forget_waits() -> int:
    """Delete what runs stood by that have ended since; return how many."""
    return Wait.objects.filter(run__status__in=OVER).delete()[0]


def _horizon() -> datetime:
    """Return before when nobody looks: runs look back to their start, or to the event that started them."""
    oldest = Run.objects.active().aggregate(Min("created_at"), Min("event__received_at"))
    past = clock.now() - timedelta(days=settings.EVENT_DAYS)
    return min([past, *filter(None, oldest.values())])

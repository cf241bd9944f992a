"""Forgets what nobody looks for: the runs of our own cron, of chores, and processes that are long gone.

Runs that a person, a key or a command started are the job log, and stay.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from core import clock
from jobs import registry
from jobs.models import Run, WorkerProcess
from jobs.schedules import ACTOR
from jobs.states import RunStatus

CHUNK = 1_000
GONE_AFTER = timedelta(days=1)


def forget_cron_runs() -> int:
    """Delete one chunk of completed runs of cron and of chores that are past their days; return how many it held."""
    chores = [workflow.name for workflow in registry.everything() if workflow.is_chore]
    old = Run.objects.filter(
        Q(actor=ACTOR) | Q(workflow__in=chores),
        status=RunStatus.COMPLETED,
        finished_at__lt=clock.now() - timedelta(days=settings.CRON_RUN_DAYS),
    )
    chunk = list(old.order_by("finished_at").values_list("pk", flat=True)[:CHUNK])
    Run.objects.filter(pk__in=chunk).delete()
    return len(chunk)


def forget_processes() -> int:
    """Delete the rows of processes that nobody has heard of for a day; return how many."""
    silent = WorkerProcess.objects.filter(beat_at__lt=Now() - GONE_AFTER)
    return silent.delete()[0]

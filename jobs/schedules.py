"""Our own cron: a row per scheduled workflow, one run per slot however many machines look at it."""

from __future__ import annotations

import logging
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from django.db import transaction

from core import clock
from core.errors import Refused
from jobs import registry
from jobs.holds import paused_workflows
from jobs.models import Schedule
from jobs.registry import Workflow
from jobs.starting import start_run

log = logging.getLogger(__name__)

#: Who starts the runs of cron rows.
ACTOR = "schedule"


def next_slot(cron: str, *, time_zone: str, after: datetime) -> datetime:
    """Return the first slot after a moment. Raises CronSimError or ZoneInfoNotFoundError for nonsense."""
    local = after.astimezone(ZoneInfo(time_zone))
    return next(CronSim(cron, local)).astimezone(after.tzinfo)


def install_schedules() -> None:
    """Bring the rows in line with the workflows' own declarations; a person's switch stays as it is.

    Rows that this code does not declare are left alone: during a deploy they belong to the newer or the older code.
    """
    for workflow in _declared():
        first = next_slot(workflow.cron, time_zone=workflow.time_zone, after=clock.now())
        declared = {"cron": workflow.cron, "time_zone": workflow.time_zone, "next_at": first}
        row, created = Schedule.objects.get_or_create(workflow=workflow.name, defaults=declared)
        if not created and (row.cron, row.time_zone) != (workflow.cron, workflow.time_zone):
            Schedule.objects.filter(pk=row.pk).update(**declared, error="")


def _declared() -> list[Workflow]:
    return [workflow for workflow in registry.everything() if workflow.cron]


def fire_due() -> int:
    """Start what is due. Slots missed while nobody looked, or the workflow was paused, are made up for once.

    Returns how many started.
    """
    now = clock.now()
    known = {workflow.name for workflow in _declared()} - paused_workflows()
    due = Schedule.objects.filter(is_enabled=True, next_at__lte=now, error="", workflow__in=known)
    return sum(_fire(row, now) for row in due)


def _fire(row: Schedule, now: datetime) -> bool:
    """Fire one row; a bad one shows its error and stops no other."""
    try:
        following = next_slot(row.cron, time_zone=row.time_zone, after=now)
        with transaction.atomic():
            mine = Schedule.objects.filter(pk=row.pk, next_at=row.next_at, is_enabled=True)
            if not mine.update(next_at=following, last_at=now):
                return False
            slot = row.next_at.isoformat()
            start_run(row.workflow, actor=ACTOR, idempotency_key=f"cron:{slot}")
    except (CronSimError, ZoneInfoNotFoundError, StopIteration, Refused) as error:
        log.error("schedule %s is not fired: %s", row, error)  # noqa: TRY400 - the row keeps the reason
        Schedule.objects.filter(pk=row.pk).update(error=str(error) or type(error).__name__)
        return False
    return True

"""A second, independent look at what must not be missed: checks that Django-Q2's scheduler calls beside our cron."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django_q.models import Schedule


@dataclass(frozen=True, slots=True)
class BackupCheck:
    name: str
    function: str
    minutes: int


_checks: dict[str, BackupCheck] = {}


def backup_schedule(name: str, function: str, *, minutes: int = 5) -> None:
    """Have Django-Q2's scheduler call a function (by dotted path) every so many minutes."""
    _checks[name] = BackupCheck(name, function, minutes)


def install_backup_schedules() -> None:
    """Make the scheduler's rows say what the code says; done whenever a worker starts."""
    for check in _checks.values():
        Schedule.objects.update_or_create(
            name=check.name,
            defaults={
                "func": check.function,
                "schedule_type": Schedule.MINUTES,
                "minutes": check.minutes,
                "repeats": -1,
            },
            create_defaults={
                "func": check.function,
                "schedule_type": Schedule.MINUTES,
                "minutes": check.minutes,
                "repeats": -1,
                "next_run": timezone.now(),
            },
        )

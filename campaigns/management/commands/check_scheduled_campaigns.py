"""`manage.py check_scheduled_campaigns`: a third safety net, for system cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.actions import start_due_campaigns
from core.audit import command_actor


class Command(BaseCommand):
    help = (
        "Start scheduled campaigns whose time has come. Exits with 1, naming them, when some "
        "could not be started."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        starts = start_due_campaigns(actor=command_actor())
        for start in starts:
            self.stdout.write(f"{start.campaign} {start.outcome} {start.why}".rstrip())
        stuck = [start.campaign for start in starts if start.outcome in ("refused", "broken")]
        if stuck:
            raise CommandError(f"Could not start {', '.join(stuck)}.")

"""`manage.py worker`: a watched cluster that heals itself."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.supervisor import Supervisor


class Command(BaseCommand):
    help = "Serve runs: starts a cluster of worker processes, watches its progress, replaces it when it freezes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stop-seconds",
            type=float,
            default=30.0,
            help="how long a stop waits for work in hand (default 30)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        Supervisor(stop_seconds=options["stop_seconds"]).run()

"""`stage_campaign COUNT`: make a campaign for the crash tests and benchmarks, and print its id."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tests.stage.scenery import make_campaign


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("count", type=int)
        parser.add_argument("--provider", default="sandbox")
        parser.add_argument("--lanes", type=int, default=4)
        parser.add_argument("--rate", type=float)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = make_campaign(
            options["count"],
            provider=options["provider"],
            lanes=options["lanes"],
            rate_per_second=options["rate"],
        )
        self.stdout.write(campaign.public_id)

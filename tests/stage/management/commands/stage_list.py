"""`stage_list COUNT`: make so many people on a list, and print its id."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tests.stage.scenery import make_list


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("count", type=int)
        parser.add_argument("--from", dest="first", type=int, default=0, help="the first's number")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(make_list(options["count"], first=options["first"]).public_id)

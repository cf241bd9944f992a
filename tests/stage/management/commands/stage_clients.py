"""`stage_clients NAME…` or `--count N`: make clients, a price for the test's model, and start asking about each."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand

from enrichment.actions.clients import create_client
from enrichment.actions.enhancing import enhance_client, enhance_many
from enrichment.actions.money import set_price

ACTOR = "command:stage"


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*")
        parser.add_argument("--count", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        set_price(
            "gpt-test",
            valid_from=date(2020, 1, 1),
            input_price=Decimal(1),
            cached_price=Decimal("0.25"),
            output_price=Decimal(4),
            actor=ACTOR,
        )
        for name in options["names"]:
            client = create_client(name=name, actor=ACTOR)
            enhance_client(client, actor=ACTOR)
        if count := options["count"]:
            many = [create_client(name=f"Client {n}", actor=ACTOR) for n in range(count)]
            enhance_many(many, actor=ACTOR)

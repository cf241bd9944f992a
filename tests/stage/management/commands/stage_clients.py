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
from enrichment.models import ModelPrice
from jobs.actions import start_run

ACTOR = "command:stage"


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*")
        parser.add_argument("--count", type=int, default=0)
        parser.add_argument("--greedy", type=int, default=0, help="questions about one client")

    def handle(self, *args: Any, **options: Any) -> None:
        if not ModelPrice.objects.exists():
            set_price(
                "gpt-test",
                valid_from=date(2020, 1, 1),
                input_price=Decimal(1),
                cached_price=Decimal("0.25"),
                output_price=Decimal(4),
                actor=ACTOR,
            )
        if questions := options["greedy"]:
            greedy = create_client(name="Greedy", actor=ACTOR)
            for _ in range(questions):
                start_run("enrichment.enhance_client", input={"client": greedy.public_id})
        for name in options["names"]:
            client = create_client(name=name, actor=ACTOR)
            enhance_client(client, actor=ACTOR)
        if count := options["count"]:
            many = [create_client(name=f"Client {n}", actor=ACTOR) for n in range(count)]
            enhance_many(many, actor=ACTOR)

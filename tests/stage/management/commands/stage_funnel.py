"""`stage_funnel WHAT …`: one act of an event's life, for rehearsals in other processes."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from funnels.models import Event
from tests.stage import funnel_scenery as scenery


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        make = acts.add_parser("make")
        make.add_argument("count", type=int)
        make.add_argument("--provider", default="sandbox")
        make.add_argument("--rate", type=float, default=None)
        make.add_argument("--lanes", type=int, default=2)
        acts.add_parser("enroll")
        acts.add_parser("move").add_argument("days", type=int)
        acts.add_parser("withdraw").add_argument("count", type=int)
        acts.add_parser("attend")
        acts.add_parser("outcome")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["act"])(options)

    def make(self, options: dict[str, Any]) -> None:
        scenery.make_crowd(options["count"])
        event = scenery.make_event(
            provider=options["provider"], rate=options["rate"], lanes=options["lanes"]
        )
        self.stdout.write(event.starts_at.isoformat())

    def enroll(self, options: dict[str, Any]) -> None:
        self.stdout.write(str(scenery.enroll_everybody(Event.objects.get())))

    def move(self, options: dict[str, Any]) -> None:
        scenery.move(Event.objects.get(), timedelta(days=options["days"]))

    def withdraw(self, options: dict[str, Any]) -> None:
        scenery.withdraw_some(Event.objects.get(), options["count"])

    def attend(self, options: dict[str, Any]) -> None:
        scenery.let_half_come(Event.objects.get())

    def outcome(self, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(scenery.outcome(Event.objects.get())))

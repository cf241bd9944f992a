"""`stage_campaign COUNT` or `stage_campaign --list LIST`: make a campaign to be sent, and print its id."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from messaging.models import ContactList, ProviderName
from messaging.providers.names import CHANNELS
from tests.stage.scenery import make_campaign, make_list


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        people = parser.add_mutually_exclusive_group(required=True)
        people.add_argument("count", type=int, nargs="?")
        people.add_argument("--list")
        parser.add_argument("--provider", default="sandbox")
        parser.add_argument("--lanes", type=int, default=4)
        parser.add_argument("--rate", type=float)

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["list"]
        channel, *_ = CHANNELS[ProviderName(options["provider"])]
        campaign = make_campaign(
            ContactList.from_public_id(known)
            if known
            else make_list(options["count"], channel=channel),
            provider=options["provider"],
            lanes=options["lanes"],
            rate_per_second=options["rate"],
        )
        self.stdout.write(campaign.public_id)

"""`manage.py schedule_campaign ID WHEN`: let a draft start by itself."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.actions import schedule_campaign
from campaigns.models import Campaign
from campaigns.moments import FIELD
from core.audit import command_actor
from core.errors import Refused
from core.local_time import read_moment


class Command(BaseCommand):
    help = "Schedule a draft. Exits with 0 when it is scheduled, 1 when it was refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", metavar="ID", help="the campaign's id, cmp_…")
        parser.add_argument(
            "when",
            metavar="WHEN",
            help="2027-03-01T09:30+01:00, or 2027-03-01T09:30 in --time-zone",
        )
        parser.add_argument(
            "--time-zone", default="UTC", help="the zone staff read it in, such as Europe/Berlin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        zone = options["time_zone"]
        try:
            campaign = Campaign.from_public_id(options["campaign"])
            at = read_moment(options["when"], time_zone=zone, field=FIELD)
            schedule_campaign(campaign, at=at, time_zone=zone, actor=command_actor())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        local = campaign.scheduled_local
        self.stdout.write(f"“{campaign.name}” starts on {local:%Y-%m-%d at %H:%M} ({zone}).")

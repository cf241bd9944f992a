"""`manage.py send_campaign ID [--wait]`: start a campaign, and watch it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from campaigns.actions import launch_campaign
from campaigns.live import Panel, panel_of
from campaigns.models import Campaign
from campaigns.states import UNDER_WAY, Status
from core.audit import command_actor
from core.errors import Refused
from jobs.watching import looks

NOT_SENT = 2


class Command(BaseCommand):
    help = (
        "Send a campaign now. Exits with 0 when it was started (with --wait: sent), "
        "1 when it was refused, 2 when it ended otherwise or nobody got it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", metavar="ID", help="the campaign's id, cmp_…")
        parser.add_argument("--wait", action="store_true", help="watch it until it has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            campaign = Campaign.from_public_id(options["campaign"])
            launch_campaign(campaign, actor=command_actor())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        assert campaign.run is not None
        self.stdout.write(f"Sending “{campaign.name}” as {campaign.run.public_id}.")
        if options["wait"]:
            self._tell(watch(campaign))

    def _tell(self, panel: Panel) -> None:
        figures = ", ".join(f"{figure.text} {figure.label.lower()}" for figure in panel.figures)
        summary = f"{panel.look.word} after {panel.elapsed}: {figures}."
        if panel.campaign.status != Status.SENT or panel.campaign.failure:
            raise CommandError(summary, returncode=NOT_SENT)
        self.stdout.write(self.style.SUCCESS(summary))


def watch(campaign: Campaign) -> Panel:
    """Show a bar until the campaign has ended; return how it stood then."""
    with tqdm(unit=" messages", disable=None) as bar:
        for _ in looks(bar):
            campaign.refresh_from_db()
            panel = panel_of(campaign)
            bar.total = panel.total or None
            bar.set_description(panel.look.word, refresh=False)
            bar.update(panel.done - bar.n)
            if campaign.status not in UNDER_WAY:
                break
    return panel

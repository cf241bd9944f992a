"""`stage_outcome`: print what came of the newest campaign, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.models import Campaign
from messaging.streams import tally


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        campaign = Campaign.objects.latest("launched_at")
        assert campaign.launched_at is not None
        assert campaign.finished_at is not None
        seconds = (campaign.finished_at - campaign.launched_at).total_seconds()
        figures = tally(campaign.ledger)
        self.stdout.write(
            json.dumps({"status": campaign.status, "seconds": seconds, "sent": figures.sent})
        )

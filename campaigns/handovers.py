"""When the provider took how many messages of a campaign: read from the ledger of batches."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from campaigns.models import Campaign
from campaigns.pace import Handover
from messaging.models import SendBatch


def handovers(campaign: Campaign, *, until: datetime) -> list[Handover]:
    """Return what was handed over since the launch, oldest first, in seconds after it."""
    if campaign.launched_at is None:
        return []
    start, ours = campaign.launched_at, campaign.ledger.pk.hex
    settled = batches_of(campaign).filter(
        status=SendBatch.Status.SETTLED, settled_at__gte=start, settled_at__lte=until
    )
    rows = settled.order_by("settled_at").values_list("settled_at", "streams")
    return [Handover((at - start).total_seconds(), streams[ours]) for at, streams in rows if at]


def batches_of(campaign: Campaign) -> QuerySet[SendBatch]:
    """Return the batches of its sender that hold a message of this campaign."""
    return SendBatch.objects.filter(
        sender=campaign.sender_id, streams__has_key=campaign.ledger.pk.hex
    )

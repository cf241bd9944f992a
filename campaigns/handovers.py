"""When the provider took how many messages of a campaign: read from the ledger of batches."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from campaigns.models import Campaign
from campaigns.pace import Handover
from messaging.models import Message, SendBatch


def handovers(campaign: Campaign, *, until: datetime) -> list[Handover]:
    """Return what was handed over since the launch, oldest first, in seconds after it."""
    if campaign.launched_at is None:
        return []
    start = campaign.launched_at
    settled = (
        batches_of(campaign)
        .filter(
            status=SendBatch.Status.SETTLED,
            settled_at__gte=start,
            settled_at__lte=until,
        )
        .order_by("settled_at")
        .values_list("settled_at", "count")
    )
    return [Handover((at - start).total_seconds(), count) for at, count in settled if at]


def batches_of(campaign: Campaign) -> QuerySet[SendBatch]:
    """Return the batches of its sender that hold a message of this campaign."""
    messages = Message.objects.filter(batch=OuterRef("pk"), stream=campaign.stream_id)
    return SendBatch.objects.filter(Exists(messages), sender=campaign.sender_id)

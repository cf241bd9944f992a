"""When the provider took how many messages of a campaign: read from the ledger of batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import (
    Count,
    DateTimeField,
    F,
    FloatField,
    Func,
    IntegerField,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Floor

from campaigns.models import Campaign
from campaigns.pace import BATCHES_A_POINT, POINTS, WINDOW_SECONDS, Handover
from messaging.models import SendBatch

SECONDS_A_DAY = 86_400.0


def recent_handovers(campaign: Campaign, *, until: datetime) -> list[Handover]:
    """Return what was handed over within the window of the present rate, in seconds after the launch."""
    since = until - timedelta(seconds=WINDOW_SECONDS)
    return _each(campaign, _settled(campaign, until=until).filter(settled_at__gt=since))


def all_handovers(campaign: Campaign, *, until: datetime) -> list[Handover]:
    """Return what was handed over since the launch, oldest first, in seconds after it.

    Where a chart would have all its points, the database adds the batches up to as many: a slow sender makes a batch of
    each message, and a page that looks every two seconds need not read tens of thousands.
    """
    if campaign.launched_at is None or until <= campaign.launched_at:
        return []
    settled = _settled(campaign, until=until)
    together = _added_up(campaign, settled, until=until)
    if sum(handover.batches for handover in together) >= POINTS * BATCHES_A_POINT:
        return together
    return _each(campaign, settled)


def batches_of(campaign: Campaign) -> QuerySet[SendBatch]:
    """Return the batches of its sender that hold a message of this campaign."""
    return SendBatch.objects.filter(
        sender=campaign.sender_id, streams__has_key=campaign.ledger.pk.hex
    )


def _settled(campaign: Campaign, *, until: datetime) -> Any:
    """Return the batches that were settled since the launch, each with `ours`: how many are this campaign's."""
    ours: Any = KeyTextTransform(campaign.ledger.pk.hex, "streams")
    settled = batches_of(campaign).filter(
        status=SendBatch.Status.SETTLED, settled_at__gte=campaign.launched_at, settled_at__lte=until
    )
    return settled.annotate(ours=Cast(ours, IntegerField()))


def _each(campaign: Campaign, settled: Any) -> list[Handover]:
    start = campaign.launched_at
    rows = settled.order_by("settled_at").values_list("settled_at", "ours")
    return [Handover((at - start).total_seconds(), ours) for at, ours in rows if at and start]


def _added_up(campaign: Campaign, settled: Any, *, until: datetime) -> list[Handover]:
    """Return one handover for each slice of the send, in its middle."""
    assert campaign.launched_at is not None
    width = (until - campaign.launched_at).total_seconds() / POINTS
    place: Any = Floor(_seconds_after(campaign.launched_at) / Value(width))
    rows = settled.values(place=Cast(place, IntegerField())).annotate(
        taken=Sum("ours"), batches=Count("*")
    )
    return [
        Handover((row["place"] + 0.5) * width, row["taken"], row["batches"])
        for row in rows.order_by("place")
    ]


def _seconds_after(moment: datetime) -> Combinable:
    """Return how long after a moment a batch was settled."""
    at, start = F("settled_at"), Value(moment, output_field=DateTimeField())
    if connection.vendor == "postgresql":
        template = "EXTRACT(EPOCH FROM %(expressions)s)"
        return Func(at, start, template=template, arg_joiner=" - ", output_field=FloatField())
    end, begin = (
        Func(each, function="JULIANDAY", output_field=FloatField()) for each in (at, start)
    )
    return (end - begin) * Value(SECONDS_A_DAY)

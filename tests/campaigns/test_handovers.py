"""What the provider took over time, however many batches it came in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.actions import launch_campaign
from campaigns.handovers import all_handovers, recent_handovers
from campaigns.live import chart_of
from campaigns.models import Campaign
from campaigns.pace import Handover
from core import clock
from messaging.models import SendBatch
from tests.campaigns.conftest import ALICE, MONDAY

HALF_A_SECOND = timedelta(seconds=0.5)


@pytest.fixture
def launched(campaign: Campaign) -> Campaign:
    with clock.travel(to=MONDAY):
        return launch_campaign(campaign, actor=ALICE)


def settle(campaign: Campaign, count: int) -> None:
    """Two batches a second, each with one message of this campaign and two of another's."""
    streams = {campaign.ledger.pk.hex: 1, "another": 2}
    batches = [
        SendBatch(
            sender=campaign.sender,
            key=f"batch {number}",
            payload=b"[]",
            count=3,
            streams=streams,
            status="settled",
            settled_at=MONDAY + number * HALF_A_SECOND + HALF_A_SECOND / 2,
        )
        for number in range(count)
    ]
    SendBatch.objects.bulk_create(batches)


def test_few_batches_are_told_one_by_one(launched: Campaign) -> None:
    settle(launched, 3)

    taken = all_handovers(launched, until=MONDAY + timedelta(seconds=120))

    assert taken == [Handover(0.25, 1), Handover(0.75, 1), Handover(1.25, 1)]


def test_many_batches_are_added_up_to_the_points_of_the_chart(launched: Campaign) -> None:
    settle(launched, 240)

    taken = all_handovers(launched, until=MONDAY + timedelta(seconds=120))

    assert taken == [Handover(2.0 * number + 1, 4, 4) for number in range(60)]
    chart = chart_of(taken, elapsed=120)
    assert chart is not None
    assert chart.peak == 2.0


def test_the_present_rate_is_that_of_the_last_fifteen_seconds(launched: Campaign) -> None:
    settle(launched, 240)

    taken = recent_handovers(launched, until=MONDAY + timedelta(seconds=120))

    assert [handover.count for handover in taken] == [1] * 30
    assert taken[0].at == 105.25


def test_before_the_launch_there_is_nothing(campaign: Campaign) -> None:
    assert all_handovers(campaign, until=MONDAY) == []

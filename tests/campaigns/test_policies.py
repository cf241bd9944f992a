"""A campaign says what becomes of people who should not be written to now: they wait, are skipped, or get it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from campaigns.actions import duplicate_campaign, launch_campaign
from campaigns.models import Campaign
from core import clock
from jobs.testing import run_until_idle
from messaging.models import Message, Sender
from messaging.streams import tally
from tests.campaigns.conftest import MakeCampaign

ClientOf = Callable[[User], Client]
MIDNIGHT = datetime(2027, 3, 1, 23, tzinfo=UTC)


@pytest.fixture
def sender(sender: Sender) -> Sender:
    """It is silent at night, and writes to nobody twice a week."""
    sender.quiet_from, sender.quiet_until, sender.contact_cap = time(21), time(8), 1
    sender.save()
    return sender


def sent_at(moment: datetime, campaign: Campaign) -> tuple[int, int, dict[str, int]]:
    """Launch at a moment; return how many were sent and held, and the reasons of the others who agreed."""
    with clock.travel(to=moment):
        launch_campaign(campaign, actor="staff:alice")
        run_until_idle()
    campaign.refresh_from_db()
    stands = tally(campaign.ledger)
    return stands.sent, stands.held, {k: v for k, v in stands.reasons.items() if k != "no_consent"}


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("hold", (0, 5, {})), ("skip", (0, 0, {"quiet_hours": 5})), ("ignore", (5, 0, {}))],
)
def test_at_night_its_policy_decides(
    policy: str, outcome: tuple[int, int, dict[str, int]], make_campaign: MakeCampaign
) -> None:
    assert sent_at(MIDNIGHT, make_campaign(quiet_hours=policy)) == outcome


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("hold", (0, 5, {})), ("skip", (0, 0, {"frequency_cap": 5})), ("ignore", (5, 0, {}))],
)
def test_above_the_cap_its_policy_decides(
    policy: str, outcome: tuple[int, int, dict[str, int]], make_campaign: MakeCampaign
) -> None:
    noon = MIDNIGHT - timedelta(hours=11)
    assert sent_at(noon, make_campaign("The first")) == (5, 0, {})

    second = make_campaign("The second", over_cap=policy)

    assert sent_at(noon + timedelta(hours=1), second) == outcome


def test_unless_told_otherwise_people_wait(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign()

    assert (campaign.quiet_hours, campaign.over_cap) == ("hold", "hold")


def test_a_copy_keeps_them(make_campaign: MakeCampaign) -> None:
    copy = duplicate_campaign(make_campaign(quiet_hours="skip", over_cap="ignore"), actor="test")

    assert (copy.quiet_hours, copy.over_cap) == ("skip", "ignore")


def test_the_api_takes_and_tells_them(api: Callable[..., Any], make_campaign: MakeCampaign) -> None:
    place = f"/api/v1/campaigns/{make_campaign().public_id}"

    changed = api("campaigns:write").patch(place, {"quiet_hours": "skip", "over_cap": "ignore"})
    wrong = api("campaigns:write").patch(place, {"quiet_hours": "never"})

    assert (changed.json()["quiet_hours"], changed.json()["over_cap"]) == ("skip", "ignore")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "#/quiet_hours")
    assert Campaign.objects.get().quiet_hours == "skip"


def test_the_page_takes_them(alice: User, client_of: ClientOf, campaign: Campaign) -> None:
    page = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    form = {
        "name": campaign.name,
        "template": campaign.template_id,
        "sender": campaign.sender_id,
        "lists": [each.pk for each in campaign.lists.all()],
        "quiet_hours": "skip",
        "over_cap": "ignore",
    }

    assert client_of(alice).post(page, form).status_code == 302

    campaign.refresh_from_db()
    assert (campaign.quiet_hours, campaign.over_cap) == ("skip", "ignore")


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ({"quiet_hours": "skip"}, "Where it is night when it goes out, people are skipped."),
        ({"quiet_hours": "ignore"}, "It goes out at night, too."),
        ({"over_cap": "skip"}, "Who got enough messages of late is skipped."),
        ({"over_cap": "ignore"}, "Who got enough messages of late gets it all the same."),
    ],
)
def test_the_question_before_sending_tells_what_is_unusual(
    policies: dict[str, str],
    told: str,
    alice: User,
    client_of: ClientOf,
    make_campaign: MakeCampaign,
) -> None:
    campaign = make_campaign(**policies)
    place = reverse("admin:campaigns_campaign_send", args=[campaign.pk])

    assert told in client_of(alice).get(place).content.decode()
    Sender.objects.update(quiet_from=None, quiet_until=None, contact_cap=None)
    assert told not in client_of(alice).get(place).content.decode()


def test_nothing_is_written_to_anybody_by_asking(
    alice: User, client_of: ClientOf, campaign: Campaign
) -> None:
    client_of(alice).get(reverse("admin:campaigns_campaign_send", args=[campaign.pk]))

    assert Message.objects.count() == 0

"""A campaign about a topic leaves out who declined it: in the count before, and in the sending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.actions import duplicate_campaign, launch_campaign
from campaigns.readiness import count_audience
from jobs.testing import run_until_idle
from messaging.actions.consent import Evidence
from messaging.actions.topics import choose_topic, create_topic
from messaging.channels import Channel
from messaging.models import Contact, Topic
from messaging.streams import tally
from tests.campaigns.conftest import MakeCampaign

PAGE = Evidence(source="preference page", actor="recipient")


@pytest.fixture
def events(db: None) -> Topic:
    return create_topic(name="Events", actor="system")


@pytest.fixture
def declined(events: Topic, readers: Any) -> Contact:
    contact = Contact.objects.get(email="person0@example.com")
    choose_topic(contact, events, Channel.EMAIL, wanted=False, evidence=PAGE)
    return contact


def test_who_declined_is_not_counted_and_not_written_to(
    make_campaign: MakeCampaign, events: Topic, declined: Contact
) -> None:
    campaign = make_campaign(topic=events)
    counted = count_audience(campaign)

    launch_campaign(campaign, actor="staff:alice")
    run_until_idle(advance=True)

    campaign.refresh_from_db()
    assert (counted.sendable, counted.skipped) == (4, {"no_consent": 2, "topic_declined": 1})
    assert campaign.stream is not None
    assert tally(campaign.stream).sent == 4
    assert tally(campaign.stream).reasons == {"no_consent": 2, "topic_declined": 1}


def test_without_a_topic_they_are_written_to(
    make_campaign: MakeCampaign, declined: Contact
) -> None:
    assert count_audience(make_campaign()).sendable == 5


def test_a_copy_is_about_the_same_topic(make_campaign: MakeCampaign, events: Topic) -> None:
    assert duplicate_campaign(make_campaign(topic=events), actor="staff:alice").topic == events


def test_the_api_takes_and_tells_the_topic(
    api: Callable[..., Any], make_campaign: MakeCampaign, events: Topic
) -> None:
    place = f"/api/v1/campaigns/{make_campaign().public_id}"

    changed = api("campaigns:write").patch(place, {"topic": events.public_id})
    taken_off = api("campaigns:write").patch(place, {"topic": None})

    assert changed.json()["topic"] == events.public_id
    assert taken_off.json()["topic"] is None

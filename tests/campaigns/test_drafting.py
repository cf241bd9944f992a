"""Writing a draft: its parts must fit, and only a draft may be changed."""

from __future__ import annotations

import pytest

from campaigns.actions import create_campaign, launch_campaign, update_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from core.errors import Conflict, Refused
from core.models import AuditEntry
from messaging.actions.people import create_list
from messaging.actions.templates import create_template
from messaging.channels import Channel
from messaging.models import ContactList, Sender, Template
from tests.campaigns.conftest import ALICE


def test_a_new_campaign_is_a_draft_of_its_maker(campaign: Campaign, readers: ContactList) -> None:
    assert (campaign.status, campaign.created_by) == (Status.DRAFT, ALICE)
    assert list(campaign.lists.all()) == [readers]
    assert [entry.verb for entry in AuditEntry.objects.about(campaign)] == ["campaign.created"]


def test_a_name_of_blanks_is_refused(template: Template, sender: Sender) -> None:
    with pytest.raises(Refused) as refusal:
        create_campaign("  ", template=template, sender=sender, lists=[], actor=ALICE)

    assert refusal.value.field == "name"
    assert not Campaign.objects.exists()


def test_a_template_for_another_channel_is_refused(sender: Sender) -> None:
    sms = create_template(name="Text", actor=ALICE, channel=Channel.SMS)

    with pytest.raises(Refused) as refusal:
        create_campaign("Offer", template=sms, sender=sender, lists=[], actor=ALICE)

    assert (refusal.value.field, refusal.value.value) == ("sender", "News")
    assert not Campaign.objects.exists()


def test_a_draft_is_changed_and_the_entry_names_what(campaign: Campaign) -> None:
    other = create_list(name="Others", actor=ALICE)

    update_campaign(campaign, actor="staff:bob", name="Summer offer", lists=[other])

    campaign.refresh_from_db()
    assert campaign.name == "Summer offer"
    assert list(campaign.lists.all()) == [other]
    entry = AuditEntry.objects.about(campaign).get(verb="campaign.updated")
    assert (entry.actor, entry.detail) == ("staff:bob", {"fields": ["lists", "name"]})


def test_what_has_started_is_not_changed(campaign: Campaign) -> None:
    stale = Campaign.objects.get(pk=campaign.pk)
    launch_campaign(campaign, actor=ALICE)

    with pytest.raises(Conflict) as conflict:
        update_campaign(stale, actor=ALICE, name="Too late")

    assert "cannot be changed: it is already sending since" in conflict.value.message
    campaign.refresh_from_db()
    assert campaign.name == "Spring offer"

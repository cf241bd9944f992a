"""A campaign can be made again: a draft with the same parts, whatever became of the first."""

from __future__ import annotations

import pytest

from campaigns.actions import duplicate_campaign, launch_campaign
from campaigns.models import Campaign
from core.models import AuditEntry
from messaging.models import ContactList


def parts(campaign: Campaign) -> tuple[object, object, list[ContactList]]:
    return campaign.template, campaign.sender, list(campaign.lists.all())


def test_a_copy_is_a_draft_with_the_same_parts(campaign: Campaign) -> None:
    launch_campaign(campaign, actor="staff:alice")

    copy = duplicate_campaign(campaign, actor="staff:bob")

    assert (copy.name, copy.status, copy.created_by) == (
        "Copy of Spring offer",
        "draft",
        "staff:bob",
    )
    assert parts(copy) == parts(campaign)
    assert (copy.stream, copy.run, copy.launched_at) == (None, None, None)
    entry = AuditEntry.objects.get(verb="campaign.created", object_id=copy.public_id)
    assert (entry.actor, entry.detail) == ("staff:bob", {"copy_of": campaign.public_id})


@pytest.mark.parametrize("name", ["x" * 200, "x" * 193])
def test_a_long_name_is_cut(make_campaign, name: str) -> None:
    assert duplicate_campaign(make_campaign(name), actor="a").name == f"Copy of {name}"[:200]


def test_the_button_leads_to_the_copy(campaign: Campaign, alice, client_of) -> None:
    answer = client_of(alice).post(f"/admin/campaigns/campaign/{campaign.pk}/duplicate/")

    copy = Campaign.objects.exclude(pk=campaign.pk).get()
    assert answer.url == f"/admin/campaigns/campaign/{copy.pk}/change/"


def test_who_may_not_add_campaigns_may_not_copy_them(campaign: Campaign, bob, client_of) -> None:
    answer = client_of(bob).post(f"/admin/campaigns/campaign/{campaign.pk}/duplicate/")

    assert answer.status_code == 403
    assert Campaign.objects.count() == 1


def test_the_api_makes_a_copy(campaign: Campaign, api) -> None:
    url = f"/api/v1/campaigns/{campaign.public_id}/duplicate"

    answer = api("campaigns:write").post(url, {"name": "Summer offer"})

    copy = Campaign.objects.exclude(pk=campaign.pk).get()
    assert (answer.status_code, answer["Location"]) == (201, f"/api/v1/campaigns/{copy.public_id}")
    assert (answer.json()["name"], answer.json()["status"]) == ("Summer offer", "draft")
    assert api("campaigns:read").post(url).status_code == 403
    assert Campaign.objects.count() == 2

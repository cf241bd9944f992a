"""Sending now: once, frozen, and only what can go out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns.actions import launch_campaign, schedule_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from core import clock
from core.errors import Conflict, Refused
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.consent import suppress_address, withdraw_consent
from messaging.actions.people import add_to_list, create_list
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import (
    Contact,
    ContactList,
    Message,
    SandboxMessage,
    Sender,
    Stream,
    SuppressionReason,
    Template,
)
from tests.campaigns.conftest import ALICE, MONDAY, make_people


def nothing_was_started(campaign: Campaign) -> bool:
    campaign.refresh_from_db()
    return (
        campaign.status == Status.DRAFT
        and campaign.run is None
        and not Stream.objects.exists()
        and not Run.objects.exists()
        and not AuditEntry.objects.filter(verb="campaign.launched").exists()
    )


def test_everybody_who_agreed_gets_exactly_one_message(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    campaign.refresh_from_db()
    assert campaign.status == Status.SENT
    assert sorted(SandboxMessage.objects.values_list("recipient", flat=True)) == [
        f"person{number}@example.com" for number in range(5)
    ]


def test_the_ledger_says_who_was_skipped_and_why(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    skipped = Message.objects.filter(stream__campaign=campaign, status="skipped")
    assert list(skipped.order_by("address").values_list("address", "reason")) == [
        ("person5@example.com", "no_consent"),
        ("person6@example.com", "no_consent"),
    ]


def test_the_launch_starts_one_run_and_says_who_launched(campaign: Campaign) -> None:
    with clock.travel(to=MONDAY):
        launch_campaign(campaign, actor=ALICE)

    campaign.refresh_from_db()
    assert campaign.status == Status.SENDING
    assert (campaign.launched_at, campaign.launched_by) == (MONDAY, ALICE)
    assert campaign.run is not None
    assert campaign.run.workflow == "campaigns.send"
    assert campaign.run.input == {"campaign": campaign.public_id}
    assert Run.objects.count() == 1
    entry = AuditEntry.objects.about(campaign).get(verb="campaign.launched")
    assert (entry.actor, entry.detail) == (ALICE, {"run": campaign.run.public_id})


def test_a_second_launch_is_a_conflict_that_says_since_when(campaign: Campaign) -> None:
    with clock.travel(to=MONDAY):
        launch_campaign(campaign, actor=ALICE)

    with pytest.raises(Conflict) as conflict:
        launch_campaign(campaign, actor="staff:bob")

    assert "already sending since 2027-03-01 09:00 UTC" in conflict.value.message
    assert (conflict.value.field, conflict.value.value) == ("status", "sending")
    assert Run.objects.count() == 1
    assert Stream.objects.count() == 1


def test_a_stale_copy_cannot_launch_again(campaign: Campaign) -> None:
    stale = Campaign.objects.get(pk=campaign.pk)
    launch_campaign(campaign, actor=ALICE)

    with pytest.raises(Conflict):
        launch_campaign(stale, actor=ALICE)

    assert Run.objects.count() == 1


def test_a_sent_campaign_is_not_sent_again(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    with pytest.raises(Conflict) as conflict:
        launch_campaign(campaign, actor=ALICE)

    assert conflict.value.remedy == "Make a new campaign to send again."
    assert SandboxMessage.objects.count() == 5


def test_a_scheduled_campaign_can_be_sent_now(campaign: Campaign) -> None:
    with clock.travel(to=MONDAY):
        schedule_campaign(campaign, at=MONDAY.replace(hour=15), time_zone="UTC", actor=ALICE)
        launch_campaign(campaign, actor=ALICE)

    campaign.refresh_from_db()
    assert campaign.status == Status.SENDING


def test_the_version_of_the_template_is_frozen(campaign: Campaign, template: Template) -> None:
    launch_campaign(campaign, actor=ALICE)
    save_version(template, actor=ALICE, subject="Changed", html="<p>Changed</p>")
    run_until_idle(advance=True)

    assert set(SandboxMessage.objects.values_list("subject", flat=True)) == {"Hello"}
    campaign.refresh_from_db()
    assert campaign.template_version is not None
    assert campaign.template_version.number == 1


def test_the_audience_is_frozen_at_the_launch(campaign: Campaign, readers: ContactList) -> None:
    launch_campaign(campaign, actor=ALICE)
    add_to_list(readers, make_people(1, start=7), actor=ALICE)
    run_until_idle(advance=True)

    assert Message.objects.count() == 7
    assert not SandboxMessage.objects.filter(recipient="person7@example.com").exists()


def test_who_withdraws_between_launch_and_sending_gets_nothing(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    person = Contact.objects.get(email="person0@example.com")
    withdraw_consent(person, Channel.EMAIL, source="phone", actor=ALICE)
    run_until_idle(advance=True)

    assert not SandboxMessage.objects.filter(recipient="person0@example.com").exists()
    assert Message.objects.get(contact=person).reason == "no_consent"


def test_who_is_on_two_lists_gets_one_message(
    make_campaign: Callable[..., Campaign], readers: ContactList
) -> None:
    again = create_list(name="Also readers", actor=ALICE)
    add_to_list(again, Contact.objects.all(), actor=ALICE)
    campaign = make_campaign(lists=[readers, again])

    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    assert Message.objects.count() == 7
    assert SandboxMessage.objects.count() == 5


class TestRefusals:
    """What cannot go out is refused with its field, its value and a remedy; nothing is started."""

    def test_an_audience_of_nobody_says_why(self, campaign: Campaign) -> None:
        for person in Contact.objects.filter(consents__isnull=False)[:3]:
            withdraw_consent(person, Channel.EMAIL, source="phone", actor=ALICE)
        for person in Contact.objects.filter(consents__state="granted"):
            suppress_address(
                Channel.EMAIL,
                person.email_hash,
                reason=SuppressionReason.MANUAL,
                actor=ALICE,
            )

        with pytest.raises(Refused) as refusal:
            launch_campaign(campaign, actor=ALICE)

        assert refusal.value.message == (
            "Nobody would get “Spring offer”: 0 of 7 people on its lists can be written to "
            "(5 without consent, 2 suppressed)."
        )
        assert (refusal.value.field, refusal.value.value) == ("lists", ["Readers"])
        assert refusal.value.code == "empty_audience"
        assert nothing_was_started(campaign)

    def test_a_campaign_without_a_list(self, make_campaign: Callable[..., Campaign]) -> None:
        campaign = make_campaign(lists=[])

        with pytest.raises(Refused) as refusal:
            launch_campaign(campaign, actor=ALICE)

        assert (refusal.value.field, refusal.value.value) == ("lists", [])
        assert nothing_was_started(campaign)

    def test_a_template_without_a_version(self, make_campaign: Callable[..., Campaign]) -> None:
        campaign = make_campaign(template=create_template(name="Empty", actor=ALICE))

        with pytest.raises(Refused) as refusal:
            launch_campaign(campaign, actor=ALICE)

        assert (refusal.value.field, refusal.value.value) == ("template", "Empty")
        assert nothing_was_started(campaign)

    def test_a_template_with_data_that_no_campaign_has(
        self, campaign: Campaign, template: Template
    ) -> None:
        save_version(template, actor=ALICE, subject="{{ data.discount }} off", text="Hello")

        with pytest.raises(Refused) as refusal:
            launch_campaign(campaign, actor=ALICE)

        assert (refusal.value.field, refusal.value.value) == ("template", "data.discount")
        assert refusal.value.code == "unknown_variable"
        assert nothing_was_started(campaign)

    def test_a_paused_sender(self, campaign: Campaign, sender: Sender) -> None:
        Sender.objects.update(status="paused", paused_reason="quota exhausted")

        with pytest.raises(Refused) as refusal:
            launch_campaign(campaign, actor=ALICE)

        assert (refusal.value.field, refusal.value.value) == ("sender", "News")
        assert "quota exhausted" in refusal.value.message
        assert nothing_was_started(campaign)

    def test_a_provider_without_its_key(
        self, campaign: Campaign, settings: pytest.FixtureRequest
    ) -> None:
        settings.RESEND_API_KEY = ""  # type: ignore[attr-defined]
        Sender.objects.update(provider="resend")

        with pytest.raises(Refused) as refusal:
            launch_campaign(campaign, actor=ALICE)

        assert "RESEND_API_KEY" in str(refusal.value)
        assert nothing_was_started(campaign)

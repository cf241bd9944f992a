"""A campaign of SMS: as any other, and nobody pays before they know what it costs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from campaigns.actions import create_campaign, launch_campaign
from campaigns.readiness import bill_of
from core import clock
from jobs.testing import run_until_idle
from messaging.actions.consent import give_consent
from messaging.actions.people import add_to_list, create_contact, create_list
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import SandboxMessage, Sender
from tests.campaigns.conftest import A_MINUTE, ALICE

pytestmark = pytest.mark.django_db


@pytest.fixture
def texters(db):
    """Four people with telephones; the last has agreed to nothing, and the third has a long name."""
    people = [
        create_contact(phone=f"+2782555000{number}", first_name=name, actor=ALICE)
        for number, name in enumerate(("Ann", "Ben", "C" * 120, "Dan"))
    ]
    for person in people[:3]:
        give_consent(person, Channel.SMS, source="form", actor=ALICE)
    found = create_list(name="Texters", actor=ALICE)
    with clock.travel(by=-A_MINUTE):
        add_to_list(found, people, actor=ALICE)
    return found


def text_template(
    text: str = "Hello {{ contact.first_name }}, we begin at nine and we end at noon",
):
    template = create_template(name="Text", channel=Channel.SMS, actor=ALICE)
    save_version(template, text=text, actor=ALICE)
    return template


@pytest.fixture
def text_sender(db):
    return Sender.objects.create(name="Texts", channel="sms", lanes=1)


def make(template, sender, people):
    return create_campaign("Soon", template=template, sender=sender, lists=[people], actor=ALICE)


def test_everybody_who_agreed_gets_one(texters, text_sender):
    campaign = make(text_template(), text_sender, texters)

    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    campaign.refresh_from_db()
    assert campaign.status == "sent"
    kept = SandboxMessage.objects.order_by("recipient").values_list("recipient", "text")
    assert [to for to, _ in kept] == ["+27825550000", "+27825550001", "+27825550002"]
    assert kept[0][1] == "Hello Ann, we begin at nine and we end at noon"


def test_the_page_says_how_many_segments_it_takes_and_what_they_cost(
    texters, text_sender, settings, client_of, alice
):
    settings.SMS_PRICE_PER_SEGMENT = Decimal("0.05")
    campaign = make(text_template(), text_sender, texters)

    page = client_of(alice).get(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
    asked = client_of(alice).get(reverse("admin:campaigns_campaign_send", args=[campaign.pk]))

    assert "About 4 segments, 0.2000 USD." in page.content.decode()
    assert "About 4 segments, 0.2000 USD." in asked.content.decode()


def test_what_makes_it_dear_is_named(texters, text_sender):
    campaign = make(text_template("Don’t be late"), text_sender, texters)

    assert bill_of(campaign, people=3) == (
        "About 3 segments. Because of “’” a segment holds 70 characters instead of 160."
    )


def test_an_email_has_no_segments(readers, sender, template):
    assert bill_of(make(template, sender, readers), people=5) == ""


def test_the_preview_counts_them_too(text_sender, settings, client_of, alice):
    settings.SMS_PRICE_PER_SEGMENT = Decimal("0.05")
    template = text_template("Don’t be late " + "x" * 70)

    page = (
        client_of(alice)
        .get(reverse("admin:messaging_template_change", args=[template.pk]))
        .content.decode()
    )

    assert "Billed as 2 segments (UCS-2, 84 of 134), 0.1000 USD a person." in page
    assert "The characters ’ make it dearer: a segment holds 70 characters instead of 160." in page

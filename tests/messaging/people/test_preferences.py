"""A person chooses channels and topics on a page of their own; what they did not touch stays."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from messaging import unsubscribe
from messaging.actions.consent import Evidence, give_consent
from messaging.actions.consent import unsubscribe as end
from messaging.actions.people import update_contact
from messaging.actions.topics import choose_topic, create_topic
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentEvent,
    Contact,
    Suppression,
    SuppressionReason,
    Topic,
    TopicChoice,
)


@pytest.fixture
def topics(db: None) -> tuple[Topic, Topic]:
    """One that everybody gets, and one for those who choose it."""
    return (
        create_topic(name="Events", description="What is on near you.", actor="system"),
        create_topic(name="Research", is_opt_in=True, actor="system"),
    )


@pytest.fixture
def thandi(thandi: Contact) -> Contact:
    """Reached on both channels."""
    contact = update_contact(thandi, phone="+27825550199", actor="system")
    give_consent(contact, Channel.SMS, source="form", actor="system")
    return contact


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def page(thandi: Contact) -> str:
    return f"/preferences/{unsubscribe.token_for(thandi)}"


def box(channel: str, topic: Topic) -> str:
    return f"{channel}.{topic.public_id}"


def ticked(html: str) -> set[str]:

    return set(re.findall(r'name="([^"]+)" checked', html))


def test_it_shows_how_it_stands(browser: Client, page: str, topics: tuple[Topic, Topic]) -> None:
    events, _ = topics

    html = browser.get(page).content.decode()

    assert ticked(html) == {"email", "sms", box("email", events), box("sms", events)}
    assert "What is on near you." in html
    assert "thandi" not in html.lower()
    assert "555" not in html


def test_saving_what_is_shown_changes_nothing(
    browser: Client, page: str, topics: tuple[Topic, Topic]
) -> None:
    shown = dict.fromkeys(ticked(browser.get(page).content.decode()), "on")
    before = ConsentEvent.objects.count()

    assert browser.post(page, shown).status_code == 200
    assert ConsentEvent.objects.count() == before
    assert TopicChoice.objects.count() == 0


def test_choices_are_kept_with_their_evidence(
    browser: Client, page: str, thandi: Contact, topics: tuple[Topic, Topic]
) -> None:
    events, research = topics
    wanted = {"email": "on", box("email", research): "on", box("sms", events): "on"}

    html = browser.post(page, wanted).content.decode()

    assert "Your choices are saved." in html
    assert ticked(html) == set(wanted)
    history = ConsentEvent.objects.filter(source="preference page")
    assert {(e.channel, e.topic, e.state) for e in history} == {
        ("email", events, "withdrawn"),
        ("email", research, "granted"),
        ("sms", None, "withdrawn"),
    }
    assert {(e.actor, e.ip_address) for e in history} == {("recipient", "127.0.0.1")}
    assert Suppression.objects.get().reason == "unsubscribed"


def test_a_channel_can_be_taken_back(browser: Client, page: str, thandi: Contact) -> None:
    end(thandi, Channel.EMAIL, source="one-click", actor="recipient")

    browser.post(page, {"email": "on", "sms": "on"})

    assert Suppression.objects.count() == 0
    assert set(Consent.objects.values_list("state", flat=True)) == {"granted"}
    last = ConsentEvent.objects.order_by("pk").last()
    assert last.wording == "I want to receive what I have ticked here."


def test_a_bounced_address_is_not_opened_by_a_tick(
    browser: Client, page: str, thandi: Contact
) -> None:
    Suppression.objects.create(
        channel="email", address_hash=thandi.email_hash, reason=SuppressionReason.BOUNCED
    )

    browser.post(page, {"email": "on", "sms": "on"})

    assert Suppression.objects.get().reason == "bounced"


def test_who_said_stop_is_told_how_to_start(
    browser: Client, page: str, thandi: Contact, topics: tuple[Topic, Topic]
) -> None:
    events, _ = topics
    end(
        thandi,
        Channel.SMS,
        source="SMS reply STOP",
        actor="recipient",
        reason=SuppressionReason.STOPPED,
    )

    html = browser.post(page, {"email": "on", "sms": "on", box("email", events): "on"}).content

    assert b"text START" in html
    assert Suppression.objects.get().reason == "stopped"
    assert TopicChoice.objects.count() == 0


def test_opening_the_page_changes_nothing(browser: Client, page: str) -> None:
    before = ConsentEvent.objects.count()

    response = browser.get(page)

    assert ConsentEvent.objects.count() == before
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_we_did_not_sign_is_not_there(db: None, browser: Client, method: str) -> None:
    assert getattr(browser, method)("/preferences/nonsense.x").status_code == 404


def test_the_unsubscribe_page_leads_to_it(browser: Client, page: str) -> None:
    html = browser.get(page.replace("/preferences/", "/u/")).content.decode()

    assert f'href="{page}"' in html


def test_a_choice_of_a_topic_that_never_was_is_ignored(browser: Client, page: str) -> None:
    browser.post(page, {"email": "on", "sms": "on", "email.top_zzz": "on", "admin": "on"})

    assert TopicChoice.objects.count() == 0


def test_what_was_chosen_before_stands_on_the_page(
    browser: Client, page: str, thandi: Contact, topics: tuple[Topic, Topic]
) -> None:
    events, research = topics
    evidence = Evidence(source="telephone", actor="staff:alice")
    choose_topic(thandi, events, Channel.SMS, wanted=False, evidence=evidence)
    choose_topic(thandi, research, Channel.EMAIL, wanted=True, evidence=evidence)

    assert ticked(browser.get(page).content.decode()) == {
        "email",
        "sms",
        box("email", events),
        box("email", research),
    }

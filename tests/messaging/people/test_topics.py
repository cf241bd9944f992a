"""A topic leaves out those who declined it; one for those who chose it goes to nobody else."""

from __future__ import annotations

import pytest

from core.errors import Conflict
from core.models import AuditEntry
from messaging import audience
from messaging.actions.consent import Evidence, suppress_address, withdraw_consent
from messaging.actions.people import add_to_list, create_list
from messaging.actions.topics import choose_topic, create_topic, update_topic
from messaging.audience import SENDABLE, AudienceCount, eligibility
from messaging.channels import Channel
from messaging.models import ConsentEvent, Contact, ContactList, SuppressionReason, Topic
from messaging.states import Purpose

PAGE = Evidence(source="preference page", actor="recipient")


@pytest.fixture
def news(thandi: Contact, sipho: Contact) -> ContactList:
    news = create_list(name="News", actor="system")
    add_to_list(news, [thandi, sipho], actor="system")
    return news


@pytest.fixture
def events(db: None) -> Topic:
    return create_topic(name="Events", actor="staff:alice")


def why(contact: Contact, *, purpose: str) -> str:
    found = Contact.objects.annotate(why=eligibility(Channel.EMAIL, purpose=purpose))
    return found.get(pk=contact.pk).why


def test_who_agreed_to_the_channel_gets_its_topics(news: ContactList, events: Topic) -> None:
    assert audience.count([news], Channel.EMAIL, topic=events) == AudienceCount(
        total=2, sendable=1, skipped={"no_consent": 1}
    )


def test_who_declined_a_topic_is_left_out_of_that_topic_alone(
    news: ContactList, events: Topic, thandi: Contact
) -> None:
    choose_topic(thandi, events, Channel.EMAIL, wanted=False, evidence=PAGE)

    assert audience.count([news], Channel.EMAIL, topic=events).skipped == {
        "no_consent": 1,
        "topic_declined": 1,
    }
    assert audience.count([news], Channel.EMAIL).sendable == 1


def test_a_choice_on_another_channel_does_not_count(
    news: ContactList, events: Topic, thandi: Contact
) -> None:
    choose_topic(thandi, events, Channel.SMS, wanted=False, evidence=PAGE)

    assert audience.count([news], Channel.EMAIL, topic=events).sendable == 1


def test_an_opt_in_topic_goes_to_those_who_chose_it(
    news: ContactList, events: Topic, thandi: Contact
) -> None:
    update_topic(events, name="Events", description="", is_opt_in=True, actor="staff:alice")
    events.refresh_from_db()
    before = audience.count([news], Channel.EMAIL, topic=events)

    choose_topic(thandi, events, Channel.EMAIL, wanted=True, evidence=PAGE)

    assert before.skipped == {"no_consent": 1, "topic_declined": 1}
    assert audience.count([news], Channel.EMAIL, topic=events).sendable == 1


def test_a_choice_stands_in_the_history_once(thandi: Contact, events: Topic) -> None:
    changes = [
        choose_topic(thandi, events, Channel.EMAIL, wanted=wanted, evidence=PAGE)
        for wanted in (False, False, True)
    ]

    history = ConsentEvent.objects.filter(topic=events).order_by("pk")
    assert changes == [True, False, True]
    assert [(e.state, e.source, e.actor) for e in history] == [
        ("withdrawn", "preference page", "recipient"),
        ("granted", "preference page", "recipient"),
    ]
    assert AuditEntry.objects.filter(verb="topic.declined").count() == 1


def test_a_transactional_message_needs_no_consent(sipho: Contact) -> None:
    assert why(sipho, purpose=Purpose.MARKETING) == "no_consent"
    assert why(sipho, purpose=Purpose.TRANSACTIONAL) == SENDABLE


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("unsubscribed", SENDABLE),
        ("stopped", "suppressed"),
        ("bounced", "suppressed"),
        ("complained", "suppressed"),
        ("manual", "suppressed"),
        ("erased", "suppressed"),
    ],
)
def test_a_transactional_message_stops_at_every_suppression_but_an_unsubscription(
    thandi: Contact, reason: str, expected: str
) -> None:
    suppress_address(
        Channel.EMAIL, thandi.email_hash, reason=SuppressionReason(reason), actor="system"
    )
    withdraw_consent(thandi, Channel.EMAIL, source="page", actor="recipient")

    assert why(thandi, purpose=Purpose.TRANSACTIONAL) == expected
    assert why(thandi, purpose=Purpose.MARKETING) == "suppressed"


def test_a_topics_name_is_taken_in_whatever_case(events: Topic) -> None:
    with pytest.raises(Conflict) as refusal:
        create_topic(name="EVENTS", actor="staff:alice")

    assert refusal.value.field == "name"
    assert Topic.objects.count() == 1

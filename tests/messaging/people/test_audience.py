"""An audience counts each person once and says why somebody would be skipped."""

from __future__ import annotations

import pytest

from messaging import audience
from messaging.actions.consent import give_consent, suppress_address, withdraw_consent
from messaging.actions.people import add_to_list, create_contact, create_list
from messaging.audience import AudienceCount
from messaging.channels import Channel
from messaging.models import Contact, ContactList, SuppressionReason


@pytest.fixture
def news(thandi: Contact, sipho: Contact, lerato: Contact) -> ContactList:
    news = create_list(name="News", actor="system")
    add_to_list(news, [thandi, sipho, lerato], actor="system")
    return news


def test_people_are_skipped_for_their_first_reason(news: ContactList) -> None:
    assert audience.count([news], Channel.EMAIL) == AudienceCount(
        total=3, sendable=1, skipped={"no_address": 1, "no_consent": 1}
    )


def test_the_channel_decides(news: ContactList, lerato: Contact) -> None:
    give_consent(lerato, Channel.SMS, source="form", actor="system")

    assert audience.count([news], Channel.SMS) == AudienceCount(
        total=3, sendable=1, skipped={"no_address": 2}
    )


def test_suppression_comes_before_consent(
    news: ContactList, thandi: Contact, sipho: Contact
) -> None:
    for contact in (thandi, sipho):
        suppress_address(
            Channel.EMAIL, contact.email_hash, reason=SuppressionReason.BOUNCED, actor="system"
        )

    assert audience.count([news], Channel.EMAIL).skipped == {"no_address": 1, "suppressed": 2}


def test_a_suppression_of_another_channel_does_not_count(
    news: ContactList, thandi: Contact
) -> None:
    suppress_address(
        Channel.SMS, thandi.email_hash, reason=SuppressionReason.MANUAL, actor="system"
    )

    assert audience.count([news], Channel.EMAIL).sendable == 1


def test_withdrawn_consent_is_no_consent(news: ContactList, thandi: Contact) -> None:
    withdraw_consent(thandi, Channel.EMAIL, source="telephone", actor="system")

    assert audience.count([news], Channel.EMAIL) == AudienceCount(
        total=3, sendable=0, skipped={"no_address": 1, "no_consent": 2}
    )


def test_a_person_on_two_lists_counts_once(news: ContactList, thandi: Contact) -> None:
    other = create_list(name="Other", actor="system")
    dora = create_contact(email="dora@example.com", actor="system")
    add_to_list(other, [thandi, dora], actor="system")

    assert audience.count([news, other], Channel.EMAIL).total == 4


def test_no_lists_and_empty_lists_are_empty(db) -> None:
    empty = create_list(name="Empty", actor="system")

    assert audience.count([], Channel.EMAIL) == AudienceCount(0, 0, {})
    assert audience.count([empty], Channel.EMAIL) == AudienceCount(0, 0, {})


def test_counting_is_one_query(news: ContactList, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        audience.count([news], Channel.EMAIL)

"""A list with double opt-in takes nobody who did not confirm by the link in their own mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.errors import Refused
from jobs.testing import run_until_idle
from messaging.actions.confirming import confirm_url, set_double_opt_in, subscribe
from messaging.actions.consent import Evidence
from messaging.actions.consent import unsubscribe as end
from messaging.actions.people import create_list
from messaging.channels import Channel
from messaging.models import (
    Confirmation,
    Consent,
    ConsentEvent,
    Contact,
    ContactList,
    Message,
    SandboxMessage,
    Suppression,
)
from tests.messaging.outbox.making import make_sender, make_version

FORM = Evidence(
    source="website footer", wording="Write to me monthly", actor="key:1", ip_address="192.0.2.7"
)


@pytest.fixture
def news(db: None) -> ContactList:
    return create_list(name="News", actor="system")


@pytest.fixture
def careful(news: ContactList) -> ContactList:
    """The list, which asks everybody to confirm."""
    html = '<p><a href="{{ data.confirm_url }}">Join {{ data.list }}</a></p>'
    template = make_version(subject="Please confirm", html=html).template
    sender = make_sender("sandbox")
    set_double_opt_in(news, is_on=True, sender=sender, template=template, actor="staff:alice")
    return news


def link_in_the_mail() -> str:
    run_until_idle(advance=True)
    html = SandboxMessage.objects.latest("pk").html
    found = re.search(r'href="http://[^/]+(/confirm/[^"]+)"', html)
    assert found is not None
    return found[1]


def test_without_it_somebody_is_on_the_list_at_once(news: ContactList, sipho: Contact) -> None:
    assert subscribe(news, sipho, evidence=FORM) is None

    assert list(news.contacts.all()) == [sipho]
    event = ConsentEvent.objects.get(contact=sipho)
    assert (event.source, event.wording) == ("website footer", "Write to me monthly")


def test_nobody_is_on_the_list_before_they_confirm(careful: ContactList, sipho: Contact) -> None:
    subscribe(careful, sipho, evidence=FORM)
    link = link_in_the_mail()

    page = Client().get(link)

    assert b"Yes, write to me" in page.content
    assert b"sipho" not in page.content.lower()
    assert careful.contacts.count() == 0
    assert Consent.objects.count() == 0
    assert Message.objects.get().status == "sent"


def test_who_confirms_is_on_the_list_with_the_proof(careful: ContactList, sipho: Contact) -> None:
    subscribe(careful, sipho, evidence=FORM)
    link = link_in_the_mail()

    answers = [Client(enforce_csrf_checks=True).post(link) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert b"You are on the list" in answers[0].content
    assert list(careful.contacts.all()) == [sipho]
    event = ConsentEvent.objects.get(contact=sipho)
    assert (event.state, event.wording) == ("granted", "Write to me monthly")
    assert event.source == "website footer, confirmed by mail"
    assert (event.actor, event.ip_address) == ("recipient", "127.0.0.1")


def test_who_had_unsubscribed_can_come_back_by_confirming(
    careful: ContactList, sipho: Contact
) -> None:
    end(sipho, Channel.EMAIL, source="one-click", actor="recipient")
    subscribe(careful, sipho, evidence=FORM)

    Client().post(link_in_the_mail())

    assert Suppression.objects.count() == 0
    assert Consent.objects.get().state == "granted"


def test_an_old_link_confirms_nothing(careful: ContactList, sipho: Contact) -> None:
    subscribe(careful, sipho, evidence=FORM)
    link = link_in_the_mail()

    with clock.travel(by=timedelta(days=7)):
        answer = Client().post(link)

    assert answer.status_code == 410
    assert careful.contacts.count() == 0


def test_asking_again_at_once_sends_no_second_mail(careful: ContactList, sipho: Contact) -> None:
    first = subscribe(careful, sipho, evidence=FORM)
    again = subscribe(careful, sipho, evidence=FORM)
    with clock.travel(by=timedelta(minutes=16)):
        later = subscribe(careful, sipho, evidence=FORM)

    assert first == again
    assert later != first
    assert Message.objects.count() == 2


def test_a_changed_link_is_not_there(careful: ContactList, sipho: Contact) -> None:
    confirmation = subscribe(careful, sipho, evidence=FORM)
    assert confirmation is not None
    path = "/confirm/" + confirm_url(confirmation).rpartition("/")[2]

    assert Client().get(path).status_code == 200
    assert Client().post(path[:-2] + "xx").status_code == 404
    assert Client().post(f"/confirm/{confirmation.public_id}").status_code == 404
    assert Confirmation.objects.get().confirmed_at is None


def test_a_list_cannot_ask_without_a_link_in_its_mail(news: ContactList) -> None:
    sender, plain = make_sender("sandbox"), make_version().template

    for given in ({"sender": sender, "template": plain}, {"template": plain}, {"sender": sender}):
        with pytest.raises(Refused) as refusal:
            set_double_opt_in(news, is_on=True, actor="staff:alice", **given)
        assert refusal.value.field.startswith("confirmation_")
    news.refresh_from_db()
    assert news.double_opt_in is False


def test_the_api_says_where_it_stands(
    api: Callable[..., Any], news: ContactList, sipho: Contact
) -> None:
    body = {"email": "SIPHO@example.com", "source": "website footer", "wording": "Monthly"}
    place = f"/api/v1/lists/{news.public_id}/subscribe"

    joined = api("contacts:write").post(place, body)
    refused = api("contacts:read").post(place, body)

    assert joined.json() == {"contact": sipho.public_id, "status": "subscribed"}
    assert refused.status_code == 403
    assert api("contacts:write").post(place, {"email": "x"}).status_code == 400


def test_the_api_waits_for_the_confirmation(api: Callable[..., Any], careful: ContactList) -> None:
    body = {"email": "new@example.com", "source": "website footer", "wording": "Monthly"}

    answer = api("contacts:write").post(f"/api/v1/lists/{careful.public_id}/subscribe", body)

    assert answer.json()["status"] == "confirmation_sent"
    assert careful.contacts.count() == 0
    assert Consent.objects.count() == 0

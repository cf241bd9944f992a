"""Staff name topics, close addresses, let lists ask, and look at what providers told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import AuditEntry
from messaging.actions.people import create_list
from messaging.actions.topics import create_topic
from messaging.addresses import address_hash
from messaging.models import Contact, ContactList, ProviderEvent, Suppression, Topic
from tests.messaging.outbox.making import make_sender, make_version

ClientOf = Callable[..., Client]


def place(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:messaging_{model}_{page}", args=args)


def test_a_topic_is_named_and_changed(client_of: ClientOf, oscar: User) -> None:
    client = client_of(oscar)

    client.post(place("topic", "add"), {"name": "Events", "description": "What is on."})
    topic = Topic.objects.get()
    again = client.post(place("topic", "add"), {"name": "events", "description": ""})
    client.post(
        place("topic", "change", topic.pk),
        {"name": "Events", "description": "", "is_opt_in": "on"},
    )

    topic.refresh_from_db()
    assert again.status_code == 200  # the form again, with what is wrong
    assert topic.is_opt_in is True
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs)[-2:] == ["topic.created", "topic.updated"]


def test_who_only_looks_names_no_topic(client_of: ClientOf, bob: User) -> None:
    assert client_of(bob).post(place("topic", "add"), {"name": "Events"}).status_code == 403
    assert Topic.objects.count() == 0


@pytest.mark.parametrize(
    ("channel", "address", "stored"),
    [
        ("email", " Thandi@Example.com ", "thandi@example.com"),
        ("sms", "082 555 0134", "+27825550134"),
    ],
)
def test_staff_close_an_address_that_nobody_has(
    client_of: ClientOf, oscar: User, channel: str, address: str, stored: str
) -> None:
    body = {"channel": channel, "address": address, "source": "letter of 3 May"}

    client_of(oscar).post(place("suppression", "add"), body)

    suppression = Suppression.objects.get()
    assert (suppression.channel, suppression.address_hash) == (channel, address_hash(stored))
    assert (suppression.reason, suppression.source) == ("manual", "letter of 3 May")


def test_a_misspelt_or_closed_address_is_said_so_in_the_form(
    client_of: ClientOf, oscar: User
) -> None:
    client = client_of(oscar)
    body = {"channel": "email", "address": "thandi@example.com", "source": ""}
    client.post(place("suppression", "add"), body)

    twice = client.post(place("suppression", "add"), body)
    wrong = client.post(place("suppression", "add"), {**body, "address": "thandi"})

    assert "This address is closed already." in twice.content.decode()
    assert "is not an e-mail address" in wrong.content.decode()
    assert Suppression.objects.count() == 1


def test_who_only_looks_closes_and_opens_nothing(client_of: ClientOf, bob: User) -> None:
    body = {"channel": "email", "address": "thandi@example.com", "source": ""}
    closed = Suppression.objects.create(channel="sms", address_hash="x", reason="manual")
    client = client_of(bob)

    assert client.post(place("suppression", "add"), body).status_code == 403
    assert client.post(place("suppression", "lift", closed.pk)).status_code == 403
    assert Suppression.objects.count() == 1


def test_a_list_is_told_to_ask_and_to_stop_asking(client_of: ClientOf, oscar: User) -> None:
    news = create_list(name="News", actor="system")
    version = make_version(html='<a href="{{ data.confirm_url }}">Yes</a>')
    body = {"sender": make_sender("sandbox").pk, "template": version.template.pk}
    client = client_of(oscar)

    client.post(place("contactlist", "start_asking", news.pk), body)
    asks = ContactList.objects.get().double_opt_in
    client.post(place("contactlist", "stop_asking", news.pk))

    assert asks is True
    assert ContactList.objects.get().double_opt_in is False


def test_a_list_is_not_told_to_ask_by_a_mail_without_a_link(
    client_of: ClientOf, oscar: User
) -> None:
    news = create_list(name="News", actor="system")
    body = {"sender": make_sender("sandbox").pk, "template": make_version().template.pk}

    page = client_of(oscar).post(place("contactlist", "start_asking", news.pk), body, follow=True)

    assert "needs an e-mail template that shows {{ data.confirm_url }}" in page.content.decode()
    assert ContactList.objects.get().double_opt_in is False


def test_staff_look_at_an_event_as_it_came(client_of: ClientOf, bob: User, thandi: Contact) -> None:
    event = ProviderEvent.objects.create(
        source="resend",
        dedupe_key="msg_1",
        kind="email.teleported",
        body='{"type": "email.teleported", "data": {"subject": "<b>Hello</b>"}}',
        applied_at=clock.now(),
        note="a kind that we do not know",
        contact=thandi,
    )
    client = client_of(bob)

    listed = client.get(place("providerevent", "changelist")).content.decode()
    page = client.get(place("providerevent", "change", event.pk)).content.decode()

    assert "a kind that we do not know" in listed
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page
    assert client.get(place("providerevent", "changelist"), {"q": "msg_zz"}).status_code == 200
    assert client.post(place("providerevent", "delete", event.pk)).status_code == 403


def test_the_topics_of_a_contact_stand_in_their_history(
    client_of: ClientOf, bob: User, thandi: Contact
) -> None:
    create_topic(name="Events", actor="system")

    page = client_of(bob).get(place("contact", "change", thandi.pk)).content.decode()

    assert "Consent history" in page
    assert "export.json" not in page

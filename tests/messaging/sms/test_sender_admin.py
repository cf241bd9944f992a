"""Senders of SMS for staff: what may stand together, and what a refused form says."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.errors import Refused
from messaging.addresses import normalise_origin
from messaging.models import Sender
from tests.messaging.sms.making import make_sms_sender

pytestmark = pytest.mark.django_db

SERVICE = "MG" + "0" * 32
FILLED_IN = {
    "name": "Reminders",
    "channel": "sms",
    "provider": "twilio",
    "from_number": "+1 500 555 0006",
    "lanes": "2",
    "in_doubt_policy": "at_most_once",
    "guard_sample": "200",
    "contact_cap_days": "7",
    "time_zone": "UTC",
}


def add(browser, **changes: str):
    return browser.post(reverse("admin:messaging_sender_add"), {**FILLED_IN, **changes})


def test_an_owner_makes_a_sender_of_sms(alice, client_of):
    answer = add(client_of(alice), from_email="left@example.com")

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    sender = Sender.objects.get()
    assert (sender.channel, sender.provider, sender.from_number) == (
        "sms",
        "twilio",
        "+15005550006",
    )
    assert sender.from_email == ""


def test_a_viewer_makes_none(bob, client_of):
    assert add(client_of(bob)).status_code == 403
    assert Sender.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"provider": "resend"}, "provider", "Resend does not deliver SMS."),
        ({"channel": "email"}, "provider", "Twilio does not deliver E-mail."),
        (
            {"channel": "email", "provider": "smtp"},
            "from_email",
            "An e-mail needs an address that it comes from.",
        ),
        ({"from_number": "not a number!"}, "from_number", "nothing an SMS can come from"),
        ({"messaging_service": SERVICE}, "messaging_service", "not both"),
        (
            {"from_number": "", "messaging_service": "MG12"},
            "messaging_service",
            "A messaging service is MG and 32 digits.",
        ),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(changes, field, words, alice, client_of):
    answer = add(client_of(alice), **changes)

    assert answer.status_code == 200
    assert words in " ".join(answer.context["adminform"].form.errors[field])
    assert Sender.objects.count() == 0


def test_the_page_of_a_sender_shows_its_channel_alone(alice, client_of):
    sender = make_sms_sender("sandbox")

    page = client_of(alice).get(reverse("admin:messaging_sender_change", args=[sender.pk]))

    assert b"messaging_service" in page.content
    assert b"reply_to" not in page.content


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("082 555 0001", "+27825550001"),
        ("+1 (500) 555-0006", "+15005550006"),
        ("31234", "31234"),
        ("Longhaul", "Longhaul"),
        ("My Shop 24", "My Shop 24"),
    ],
)
def test_an_sms_comes_from_a_number_a_short_code_or_a_name(given, kept):
    assert normalise_origin(given) == kept


@pytest.mark.parametrize("given", ["A name that is too long", "12", "Ünlü", "+1", "1 2 3 4"])
def test_nothing_else_is_an_origin(given):
    with pytest.raises(Refused) as caught:
        normalise_origin(given)
    assert caught.value.field == "from_number"


@pytest.mark.parametrize(
    "fields",
    [
        {"provider": "twilio", "channel": "email", "from_email": "a@example.com"},
        {"provider": "resend", "channel": "sms"},
        {"provider": "sandbox", "channel": "email", "from_email": ""},
        {
            "provider": "twilio",
            "channel": "sms",
            "from_number": "1",
            "messaging_service": SERVICE,
        },
        {"provider": "sandbox", "channel": "sms", "in_doubt_policy": "often"},
    ],
)
def test_the_database_itself_refuses_what_does_not_fit(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        Sender.objects.create(name="Odd", **fields)

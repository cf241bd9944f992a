"""The secrets of these tests, and messages that were sent."""

from __future__ import annotations

from typing import Any

import pytest

from core import clock
from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact, Message, Sender
from messaging.streams import open_stream
from tests.fakes.webhooks import PUBLIC_URL, SECRET, TOKEN
from tests.messaging.outbox.making import deliver, make_sender, make_stream, make_version

NUMBER = "+27825550134"


@pytest.fixture(autouse=True)
def secrets(settings: Any) -> None:
    settings.PUBLIC_URL = PUBLIC_URL
    settings.RESEND_WEBHOOK_SECRET = [SECRET]
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.TWILIO_WEBHOOK_SECRET = []


@pytest.fixture
def sandbox(db: None) -> Sender:
    return make_sender("sandbox")


@pytest.fixture
def messages(sandbox: Sender) -> list[Message]:
    """Three messages that a provider took."""
    stream = make_stream(sandbox, people=3)
    deliver()
    return list(Message.objects.filter(stream=stream).order_by("id"))


@pytest.fixture
def lerato(db: None) -> Contact:
    """A person who agreed to SMS."""
    contact = create_contact(phone=NUMBER, actor="system")
    give_consent(contact, Channel.SMS, source="form", actor="system")
    return contact


@pytest.fixture
def sms_message(lerato: Contact) -> Message:
    """A message to her telephone that a provider took."""
    sender = make_sender("twilio", channel="sms", from_email="", from_number="+27600000000")
    stream = open_stream("Reminders", sender=sender, template_version=make_version())
    return Message.objects.create(
        stream=stream,
        key="1",
        contact=lerato,
        address=lerato.phone,
        status="sent",
        settled_at=clock.now(),
    )

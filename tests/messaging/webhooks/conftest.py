"""The secrets of these tests, and messages that were sent."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.models import Message, Sender
from tests.fakes.webhooks import PUBLIC_URL, SECRET, TOKEN
from tests.messaging.outbox.making import deliver, make_sender, make_stream


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

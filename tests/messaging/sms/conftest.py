"""Senders of SMS."""

from __future__ import annotations

import pytest

from messaging.models import Sender
from tests.fakes.fixtures import resend_server, twilio_server
from tests.fakes.twilio_server import TwilioServer
from tests.messaging.sms.making import make_sms_sender

__all__ = ["resend_server", "twilio_server"]


@pytest.fixture
def twilio(db: None, twilio_server: TwilioServer) -> Sender:
    """A sender with one lane, whose provider is the local server."""
    return make_sms_sender("twilio")


@pytest.fixture
def sandbox(db: None) -> Sender:
    """A sender of SMS whose messages stay here."""
    return make_sms_sender("sandbox")

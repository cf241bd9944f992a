"""Senders for the tests of the outbox."""

from __future__ import annotations

import pytest

from messaging.models import Sender
from tests.fakes.fixtures import resend_server
from tests.fakes.resend_server import ResendServer
from tests.messaging.outbox.making import make_sender

__all__ = ["resend_server"]


@pytest.fixture
def sandbox(db: None) -> Sender:
    """A sender whose messages stay here."""
    return make_sender("sandbox")


@pytest.fixture
def resend(db: None, resend_server: ResendServer) -> Sender:
    """A sender with one lane, whose provider is the local server."""
    return make_sender("resend")

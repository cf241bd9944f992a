"""Senders and people for the tests of pace."""

from __future__ import annotations

import pytest

from messaging.models import Sender
from tests.fakes.fixtures import resend_server
from tests.messaging.outbox.making import make_sender

__all__ = ["resend_server"]


@pytest.fixture
def sandbox(db: None) -> Sender:
    """A sender whose messages stay here."""
    return make_sender("sandbox")

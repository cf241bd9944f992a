"""A Content API on loopback, and what these tests write templates with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from messaging.models import Sender
from tests.fakes.content_api import ContentApi
from tests.fakes.fixtures import resend_server
from tests.fakes.resend_server import ResendServer
from tests.messaging.outbox.making import make_sender
from tests.messaging.people.conftest import sipho, thandi

__all__ = ["resend_server", "sipho", "thandi"]


@pytest.fixture
def content_api(settings: Settings) -> Iterator[ContentApi]:
    """A server with one block, `news`, and the settings pointing at it."""
    with ContentApi() as server:
        settings.CONTENT_API_URL = server.url
        settings.CONTENT_API_KEY = "secret"
        settings.CONTENT_PRIVATE_HOSTS = [server.host]
        yield server


@pytest.fixture
def sandbox(db: None) -> Sender:
    return make_sender("sandbox")


@pytest.fixture
def resend(db: None, resend_server: ResendServer) -> Sender:
    return make_sender("resend")

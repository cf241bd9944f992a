"""The fake providers as fixtures, for every test: `pytest_plugins = ["tests.fakes.fixtures"]`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.fakes.resend_server import ResendServer


@pytest.fixture
def resend_server(settings: Settings) -> Iterator[ResendServer]:
    """A server that behaves like Resend, with the settings pointing at it."""
    with ResendServer() as server:
        settings.RESEND_API_KEY = server.account.api_key
        settings.RESEND_API_URL = server.url
        yield server

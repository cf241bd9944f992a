"""The fake providers as fixtures, for every test: `pytest_plugins = ["tests.fakes.fixtures"]`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from enrichment.providers import openai
from tests.fakes.openai_server import OpenAiServer
from tests.fakes.resend_server import ResendServer
from tests.fakes.twilio_server import TwilioServer


@pytest.fixture
def resend_server(settings: Settings) -> Iterator[ResendServer]:
    """A server that behaves like Resend, with the settings pointing at it."""
    with ResendServer() as server:
        settings.RESEND_API_KEY = server.account.api_key
        settings.RESEND_API_URL = server.url
        yield server


@pytest.fixture
def twilio_server(settings: Settings) -> Iterator[TwilioServer]:
    """A server that behaves like Twilio, with the settings pointing at it."""
    with TwilioServer() as server:
        settings.TWILIO_ACCOUNT_SID = server.account.sid
        settings.TWILIO_AUTH_TOKEN = server.account.token
        settings.TWILIO_API_URL = server.url
        settings.TWILIO_PHONE_NUMBER = "+15005550006"
        settings.PUBLIC_URL = "https://longhaul.test"
        yield server


@pytest.fixture
def openai_server(settings: Settings) -> Iterator[OpenAiServer]:
    """A server that behaves like OpenAI, with the settings pointing at it."""
    with OpenAiServer() as server:
        settings.OPENAI_API_KEY = server.account.api_key
        settings.OPENAI_BASE_URL = server.base_url
        settings.OPENAI_MODEL = "gpt-test"
        settings.OPENAI_TIMEOUT_SECONDS = 5
        yield server
        openai.let_go()

"""Which provider answers: OpenAI, or a server like it, where one is set up; else the sandbox."""

from __future__ import annotations

from django.conf import settings

from enrichment.models import SANDBOX
from enrichment.providers.base import Provider
from enrichment.providers.openai import OpenAi
from enrichment.providers.sandbox import Sandbox

OPENAI = "openai"
_PROVIDERS: dict[str, Provider] = {OPENAI: OpenAi(), SANDBOX: Sandbox()}


def provider_in_use() -> str:
    """Return the name of the provider that new questions go to."""
    is_set_up = settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL
    return OPENAI if is_set_up else SANDBOX


def provider(name: str) -> Provider:
    return _PROVIDERS[name]

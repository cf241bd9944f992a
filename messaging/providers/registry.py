"""The providers by name."""

from __future__ import annotations

from collections.abc import Callable

from messaging.models import ProviderName, Sender
from messaging.providers.base import Provider
from messaging.providers.resend import ResendProvider
from messaging.providers.sandbox import SandboxProvider
from messaging.providers.smtp import SmtpProvider
from messaging.providers.twilio import TwilioProvider

_PROVIDERS: dict[str, Callable[[], Provider]] = {
    ProviderName.SANDBOX: SandboxProvider,
    ProviderName.RESEND: ResendProvider,
    ProviderName.SMTP: SmtpProvider,
    ProviderName.TWILIO: TwilioProvider,
}


def provider_of(sender: Sender) -> Provider:
    """Return the provider that a sender hands its batches to."""
    return _PROVIDERS[sender.provider]()


def check_ready(sender: Sender) -> None:
    """Raise Refused where the provider lacks a setting, naming it and how to mend it."""
    provider_of(sender).check_ready(sender)

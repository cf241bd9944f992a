"""The providers by name, and the channels that each delivers on."""

from __future__ import annotations

from django.db.models import TextChoices

from messaging.channels import Channel


class ProviderName(TextChoices):
    """Who delivers."""

    SANDBOX = "sandbox", "Sandbox (keeps messages here)"
    RESEND = "resend", "Resend"
    SMTP = "smtp", "SMTP (any mail server)"
    TWILIO = "twilio", "Twilio"


CHANNELS: dict[ProviderName, tuple[Channel, ...]] = {
    ProviderName.SANDBOX: (Channel.EMAIL, Channel.SMS),
    ProviderName.RESEND: (Channel.EMAIL,),
    ProviderName.SMTP: (Channel.EMAIL,),
    ProviderName.TWILIO: (Channel.SMS,),
}

"""The ways a person can be reached."""

from __future__ import annotations

from django.db.models import TextChoices


class Channel(TextChoices):
    """A way to reach a person; consent and suppression are kept per channel."""

    EMAIL = "email", "E-mail"
    SMS = "sms", "SMS"

    @property
    def address_field(self) -> str:
        """The contact's field that holds the address of this channel."""
        return ADDRESS_FIELDS[self]


ADDRESS_FIELDS = {Channel.EMAIL: "email", Channel.SMS: "phone"}

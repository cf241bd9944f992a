"""Double opt-in: who was asked to confirm a place on a list, and whether they did."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from messaging.channels import Channel
from messaging.models.people import Contact, ContactList

LINK_LIFETIME = timedelta(days=7)


class Confirmation(PublicIdModel):
    """A wish to be on a list that its owner confirms by a link; until then they are not on it."""

    id_prefix = "cfm"

    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="confirmations", db_index=False
    )
    list = models.ForeignKey(
        ContactList, on_delete=models.CASCADE, related_name="confirmations", db_index=False
    )
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.EMAIL)
    source = models.CharField(max_length=200, help_text="where they asked to be on it")
    wording = models.TextField(blank=True, help_text="what they agreed to there")
    ip_address = models.GenericIPAddressField("IP address", null=True, blank=True)
    actor = models.CharField(max_length=150)
    asked_at = models.DateTimeField(default=clock.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="confirmation_channel_is_known"
            )
        ]
        indexes = [models.Index(fields=["contact", "list"], name="confirmation_by_contact")]

    def __str__(self) -> str:
        return f"{self.list}: {'confirmed' if self.confirmed_at else 'asked'}"

    @property
    def is_expired(self) -> bool:
        """Its link has been lying around for too long."""
        return self.confirmed_at is None and clock.now() >= self.asked_at + LINK_LIFETIME

"""What people agreed to, how we know, and which addresses must not be written to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core import clock
from messaging.channels import Channel
from messaging.models.append_only import AppendOnlyModel
from messaging.models.people import Contact


class ConsentState(models.TextChoices):
    """Whether a person agreed to be written to; who never said so has no row, and no consent."""

    GRANTED = "granted", "Granted"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Consent(models.Model):
    """The present state per contact and channel: the last event, kept for fast joins."""

    # The unique index leads with the contact, so the contact needs none of its own.
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="consents", db_index=False
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    state = models.CharField(max_length=16, choices=ConsentState.choices)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "channel"], name="consent_is_one_per_contact_and_channel"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="consent_channel_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ConsentState.values), name="consent_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_state_display()}"


class ConsentEvent(AppendOnlyModel):
    """One act of giving or withdrawing consent: its wording, source and actor. Never rewritten."""

    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="consent_events", db_index=False
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    topic = models.ForeignKey(
        "messaging.Topic",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="empty: the channel as a whole",
    )
    state = models.CharField(max_length=16, choices=ConsentState.choices)
    source = models.CharField(max_length=200)
    wording = models.TextField(blank=True)
    ip_address = models.GenericIPAddressField("IP address", null=True, blank=True)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["contact", "-id"], name="consent_event_by_contact")]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="consent_event_channel_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ConsentState.values), name="consent_event_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_state_display()} ({self.source})"


class SuppressionReason(models.TextChoices):
    """Why an address is not written to. Unsubscribed ends marketing; the others end everything."""

    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    STOPPED = "stopped", "Said STOP by SMS"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"
    MANUAL = "manual", "Suppressed by staff"
    ERASED = "erased", "Erased at the person's wish"


class Suppression(models.Model):
    """An address that is not written to, known by its keyed hash even when its contact is gone."""

    channel = models.CharField(max_length=8, choices=Channel.choices)
    address_hash = models.CharField(max_length=64)
    reason = models.CharField(max_length=16, choices=SuppressionReason.choices)
    source = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_hash"], name="suppression_is_one_per_address"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="suppression_channel_is_known"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=SuppressionReason.values),
                name="suppression_reason_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(address_hash=""), name="suppression_names_an_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_reason_display()}"

"""What providers tell us, kept as it came, and what became of it."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlencode

from django.db import models
from django.db.models import Q

from core import clock
from messaging.life import Stage
from messaging.models.outbox import Message, Stream
from messaging.models.people import Contact


class EventSource(models.TextChoices):
    """Whose webhook it came through."""

    RESEND = "resend", "Resend"
    TWILIO = "twilio", "Twilio"


class ProviderEventQuerySet(models.QuerySet["ProviderEvent"]):
    """The adjectives of events."""

    def unapplied(self) -> Self:
        return self.filter(applied_at=None)

    def of_stranger(self, phone: str) -> Self:
        """Answers from a number that was nobody's when they came; their forms alone name it."""
        written = urlencode({"From": phone})
        said_so = Q(body__contains=f"{written}&") | Q(body__endswith=written)
        return self.filter(said_so, source=EventSource.TWILIO, contact=None, message=None)


class ProviderEvent(models.Model):
    """One webhook, verified, in its raw form; the same one delivered again is the same row."""

    source = models.CharField(max_length=8, choices=EventSource)
    dedupe_key = models.CharField(max_length=200, help_text="what the provider repeats with it")
    kind = models.CharField(max_length=64)
    query = models.CharField(max_length=200, blank=True, help_text="of the address it came to")
    body = models.TextField(blank=True, help_text="as it came; empty once its person is erased")
    received_at = models.DateTimeField(default=clock.now)
    applied_at = models.DateTimeField(null=True, blank=True)
    happened_at = models.DateTimeField(null=True, blank=True, help_text="by the provider's clock")
    note = models.CharField(max_length=200, blank=True, help_text="why nothing came of it")
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, related_name="events", db_index=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    objects = ProviderEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "dedupe_key"], name="event_is_kept_once"),
            models.CheckConstraint(
                name="event_source_is_known", condition=Q(source__in=EventSource.values)
            ),
        ]
        indexes = [
            models.Index(
                name="event_unapplied", fields=["id"], condition=Q(applied_at__isnull=True)
            ),
            models.Index(
                name="event_by_message", fields=["message"], condition=Q(message__isnull=False)
            ),
            models.Index(
                name="event_by_contact", fields=["contact"], condition=Q(contact__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.kind}"


class EventReader(models.Model):
    """The one row that says which run applies events. See messaging/webhooks/reader.py."""

    run = models.ForeignKey("jobs.Run", on_delete=models.SET_NULL, null=True, related_name="+")


class StreamHour(models.Model):
    """How many messages of a stream first reached a stage within an hour: charts and rates read this.

    Written by those who move messages' lives, in the same transaction; so it always adds up to the ledger.
    """

    stream = models.ForeignKey(
        Stream, on_delete=models.CASCADE, related_name="hours", db_index=False
    )
    stage = models.CharField(max_length=12, choices=Stage)
    hour = models.DateTimeField(help_text="its beginning, UTC")
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "stage", "hour"], name="stream_hour_is_one"),
            models.CheckConstraint(
                name="stream_hour_stage_is_known", condition=Q(stage__in=Stage.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.stage} {self.hour:%Y-%m-%d %H}: {self.count}"

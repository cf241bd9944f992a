"""What goes over the wire: frozen batches, the attempts to hand them over, the lanes that do it, and the sandbox."""

from __future__ import annotations

import hashlib
import zlib
from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from messaging.channels import Channel
from messaging.models.append_only import AppendOnlyModel
from messaging.models.outbox import Sender
from messaging.states import UNRESOLVED_BATCH, BatchStatus

#: Resend keeps a key for 24 hours; an hour is left for clocks that differ and answers that are slow.
KEY_LIFETIME = timedelta(hours=23)


class SendBatchQuerySet(models.QuerySet["SendBatch"]):
    """The adjectives of batches."""

    def unresolved(self) -> Self:
        return self.filter(status__in=UNRESOLVED_BATCH)

    def parked(self) -> Self:
        return self.filter(status=BatchStatus.PARKED)


class SendBatch(PublicIdModel):
    """Up to 100 messages of one sender in the exact bytes that go out, under one key.

    Bytes, key and membership are fixed before the first attempt. Once attempted it is only ever sent
    again as it is, and not later than KEY_LIFETIME after the first attempt.
    """

    id_prefix = "bat"
    Status = BatchStatus

    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="batches")
    run = models.ForeignKey(
        "jobs.Run",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="the lane that brings it to an end",
    )
    key = models.CharField(max_length=100, unique=True)
    compressed = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    count = models.PositiveSmallIntegerField()
    streams = models.JSONField(
        default=dict, help_text="how many messages of which stream (its key in hex)"
    )
    status = models.CharField(max_length=9, choices=BatchStatus, default=BatchStatus.FROZEN)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="those after which the provider may have it"
    )
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, help_text="why it is parked")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = SendBatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "send batches"
        permissions = [("resolve_sendbatch", "Can decide about parked batches")]
        constraints = [
            models.CheckConstraint(
                name="batch_status_is_known", condition=Q(status__in=BatchStatus.values)
            ),
            models.CheckConstraint(
                name="batch_attempted_has_a_time",
                condition=~Q(status="attempted") | Q(first_attempt_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="batch_unresolved",
                fields=["sender", "run"],
                condition=Q(status__in=["frozen", "attempted"]),
            ),
            models.Index(name="batch_by_sender", fields=["sender", "settled_at"]),
            models.Index(name="batch_parked", fields=["-id"], condition=Q(status="parked")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_expired(self) -> bool:
        """Its key may no longer protect it from going out twice."""
        return (
            self.first_attempt_at is not None
            and clock.now() >= self.first_attempt_at + KEY_LIFETIME
        )

    @property
    def payload(self) -> bytes:
        """The stored bytes, proven to be the ones that were frozen. Raises DamagedPayload."""
        payload = zlib.decompress(self.compressed)
        if hashlib.sha256(payload).hexdigest() != self.sha256:
            raise DamagedPayload(f"{self.public_id} does not hold the bytes that were frozen")
        return payload

    @payload.setter
    def payload(self, payload: bytes) -> None:
        self.compressed = zlib.compress(payload, level=1)
        self.sha256 = hashlib.sha256(payload).hexdigest()


class DamagedPayload(Exception):
    """A stored payload differs from its checksum: it must not go out."""


class SendAttempt(AppendOnlyModel):
    """One call to the provider that came back, and what it answered. (A crash leaves none.)"""

    batch = models.ForeignKey(
        SendBatch, on_delete=models.PROTECT, related_name="attempt_log", db_index=False
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=16)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(name="attempt_by_batch", fields=["batch", "id"])]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.outcome}"


class Lane(models.Model):
    """A sender's slot for one run of `messaging.deliver`. Its row guards starting and letting go."""

    sender = models.ForeignKey(
        Sender, on_delete=models.CASCADE, related_name="lane_rows", db_index=False
    )
    slot = models.PositiveSmallIntegerField()
    run = models.ForeignKey(
        "jobs.Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "slot"], name="lane_once_per_slot")
        ]

    def __str__(self) -> str:
        return f"{self.sender} lane {self.slot}"


class SandboxMessage(models.Model):
    """A message that the sandbox took: what a provider would have delivered. Staff can look at it."""

    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    key = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request it came in")
    message = models.CharField(max_length=64, db_index=True, help_text="our public id, its tag")
    sender = models.CharField("from", max_length=400)
    recipient = models.CharField("to", max_length=254)
    subject = models.CharField(max_length=998, blank=True)
    html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    accepted_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key", "position"], name="sandbox_once_per_key")
        ]

    def __str__(self) -> str:
        return self.subject or self.text[:80]

"""What Zoom tells us, kept as it came, and the joins and leaves it amounts to."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from core import clock
from funnels.models.enrollments import Registration
from funnels.models.events import Event


class ZoomNoticeQuerySet(models.QuerySet["ZoomNotice"]):
    """The adjectives of notices."""

    def unapplied(self) -> Self:
        return self.filter(applied_at=None)


class ZoomNotice(models.Model):
    """One webhook of Zoom, verified, in its raw form. The same bytes again are the same row."""

    dedupe_key = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the raw body")
    kind = models.CharField(max_length=64)
    body = models.TextField(blank=True, help_text="as it came; empty once its person is erased")
    received_at = models.DateTimeField(default=clock.now)
    applied_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="why nothing came of it")
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="zoom_notices")
    registration = models.ForeignKey(
        Registration, models.PROTECT, null=True, related_name="zoom_notices"
    )

    objects = ZoomNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook of Zoom"
        verbose_name_plural = "webhooks of Zoom"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                name="zoom_notice_unapplied", fields=["id"], condition=Q(applied_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.kind


class Presence(models.Model):
    """A join or a leave of one person, told once however often it was heard."""

    class Kind(models.TextChoices):
        JOINED = "joined", "Joined"
        LEFT = "left", "Left"

    registration = models.ForeignKey(
        Registration, models.CASCADE, related_name="presences", db_index=False
    )
    session = models.CharField(max_length=120, help_text="the meeting's uuid and Zoom's user in it")
    kind = models.CharField(max_length=6, choices=Kind)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["registration", "session", "kind", "at"], name="presence_is_told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%H:%M:%S}"

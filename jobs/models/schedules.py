"""Cron rows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Schedule(models.Model):
    """A cron row: starts its workflow once per slot, however many machines look at it."""

    workflow = models.CharField(max_length=100, unique=True)
    cron = models.CharField(max_length=100, help_text="minute hour day month weekday")
    time_zone = models.CharField(max_length=60, default="UTC")
    is_enabled = models.BooleanField(default=True)
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(
        blank=True, help_text="why it is not fired; other rows are not affected"
    )

    class Meta:
        ordering = ["workflow"]
        indexes = [
            models.Index(name="schedule_due", fields=["next_at"], condition=Q(is_enabled=True))
        ]

    def __str__(self) -> str:
        return f"{self.workflow} ({self.cron})"

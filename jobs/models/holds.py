"""Workflows and queues that somebody has paused."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core import clock


class HoldQuerySet(models.QuerySet["Hold"]):
    def on(self) -> HoldQuerySet:
        return self.filter(is_on=True)


class Hold(models.Model):
    """A workflow or a queue whose runs nobody takes up while it is on: `workflow:<name>` or `queue:<name>`."""

    key = models.CharField("paused", max_length=150, primary_key=True)
    is_on = models.BooleanField("paused now", default=True)
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.CharField(max_length=150, default="system")

    objects: ClassVar = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = "pause"
        ordering = ["-is_on", "key"]

    def __str__(self) -> str:
        return self.key.replace(":", " ", 1)

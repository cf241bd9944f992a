"""The processes that may hold leases."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ProcessKind(models.TextChoices):
    """What a process of a cluster does."""

    POOL = "pool", "Worker"
    PUSHER = "pusher", "Pusher"


class WorkerProcess(models.Model):
    """A process that may hold leases, seen alive at `beat_at` (database clock)."""

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=ProcessKind)
    cluster = models.UUIDField(help_text="the cluster it was born in")
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    born = models.CharField(max_length=50, help_text="tells a process from another with its pid")
    beat_at = models.DateTimeField(db_default=Now())
    run_id = models.UUIDField(null=True, help_text="what it drives")
    step = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "worker processes"
        constraints = [
            models.CheckConstraint(
                name="process_kind_known", condition=Q(kind__in=ProcessKind.values)
            )
        ]
        indexes = [models.Index(name="process_by_host", fields=["host"])]

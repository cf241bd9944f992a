"""Runs, their steps, and the attempts that did not end well."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core import clock
from core.ids import PublicIdModel
from jobs.states import ACTIVE, OVER, RunStatus, StepKind, StepStatus


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> RunQuerySet:
        return self.filter(status__in=ACTIVE)

    def over(self) -> RunQuerySet:
        return self.filter(status__in=OVER)

    def with_expired_lease(self) -> RunQuerySet:
        return self.filter(status__in=[RunStatus.CLAIMED, RunStatus.RUNNING], lease_until__lt=Now())


class Run(PublicIdModel):
    """One execution of a workflow: the job log that staff read, and the queue that workers serve.

    Only the holder of the lease (`worker_id`, proven by `epoch`) writes to a running run.
    """

    id_prefix = "run"
    Status = RunStatus

    workflow = models.CharField(max_length=100)
    queue = models.CharField(max_length=50, default="main")
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.READY)
    input = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    output = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    error = models.JSONField(null=True, blank=True, help_text="type, message, traceback, step")
    actor = models.CharField(max_length=150, default="system")
    idempotency_key = models.CharField(max_length=200, blank=True)

    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    sort_at = models.DateTimeField(help_text="the run's start less its priority: older first")
    due_at = models.DateTimeField(null=True, blank=True, help_text="when a waiting run wakes")

    epoch = models.PositiveIntegerField(default=0, help_text="fencing token; each claim adds one")
    worker_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="database clock")
    crashes = models.PositiveSmallIntegerField(default=0, help_text="since the last progress")
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="failures outside steps since the last progress"
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)

    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True, blank=True)
    progress_text = models.CharField(max_length=200, blank=True)

    objects: ClassVar = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("retry_run", "Can retry a failed run"), ("cancel_run", "Can cancel a run")]
        constraints = [
            models.CheckConstraint(
                name="run_status_known", condition=Q(status__in=RunStatus.values)
            ),
            models.UniqueConstraint(
                name="run_start_once",
                fields=["workflow", "idempotency_key"],
                condition=~Q(idempotency_key=""),
            ),
        ]
        indexes = [
            models.Index(
                name="run_ready", fields=["queue", "sort_at", "id"], condition=Q(status="ready")
            ),
            models.Index(name="run_due", fields=["due_at"], condition=Q(status="waiting")),
            models.Index(
                name="run_leased",
                fields=["lease_until"],
                condition=Q(status__in=["claimed", "running"]),
            ),
            models.Index(name="run_by_workflow", fields=["workflow", "-id"]),
            models.Index(
                name="run_over",
                fields=["status", "-id"],
                condition=Q(status__in=["completed", "failed", "cancelled"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.public_id}"

    @property
    def is_over(self) -> bool:
        return self.status in OVER


class Step(models.Model):
    """A checkpoint of a run, known by its name and occurrence. A completed one is never executed again."""

    pk = models.CompositePrimaryKey("run", "key")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=StepKind)
    status = models.CharField(max_length=10, choices=StepStatus)
    attempts = models.PositiveSmallIntegerField(default=0)
    output = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    error = models.JSONField(null=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True)
    progress_text = models.CharField(max_length=200, blank=True)
    wake_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="step_status_known", condition=Q(status__in=StepStatus.values)
            ),
            models.CheckConstraint(name="step_kind_known", condition=Q(kind__in=StepKind.values)),
        ]

    def __str__(self) -> str:
        return self.key


class StepAttempt(models.Model):
    """An attempt that did not end well: the evidence. (The one that did is the step itself.) Append-only."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="failed_attempts")
    key = models.CharField(max_length=200)
    number = models.PositiveSmallIntegerField()
    epoch = models.PositiveIntegerField()
    worker_id = models.UUIDField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    error = models.JSONField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(name="stepattempt_run", fields=["run", "id"])]

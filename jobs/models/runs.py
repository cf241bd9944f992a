"""Runs, their steps, and the attempts that did not end well.

Numbers are plain integers where the engine alone writes them, for every run and step: PostgreSQL reads each CHECK of a
table anew in every statement that writes to it, and fifteen that nothing can violate made a run an eighth dearer.
"""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core import clock
from core.ids import PublicIdModel
from core.sql import Literal
from jobs.states import ACTIVE, AT_REST, HELD, OVER, RunStatus, StepKind, StepStatus

#: As partial indexes spell it.
_HELD = [Literal(status) for status in sorted(HELD)]


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> RunQuerySet:
        return self.filter(status__in=ACTIVE)

    def over(self) -> RunQuerySet:
        return self.filter(status__in=OVER)

    def at_rest(self) -> RunQuerySet:
        return self.filter(status__in=AT_REST)

    def held(self) -> RunQuerySet:
        return self.filter(status__in=_HELD)

    def with_expired_lease(self) -> RunQuerySet:
        return self.held().filter(lease_until__lt=Now())

    def dead_letters(self) -> RunQuerySet:
        """Failed, and nobody has said that it may stay so."""
        return self.filter(status=Literal(RunStatus.FAILED), dismissed_at__isnull=True)


class Run(PublicIdModel):
    """One execution of a workflow: the job log that staff read, and the queue that workers serve.

    Only the holder of the lease (`worker_id`, proven by `epoch`) writes to a running run.
    """

    id_prefix = "run"
    Status = RunStatus

    workflow = models.CharField(max_length=100)
    version = models.SmallIntegerField(default=1, help_text="of the code it began under")
    queue = models.CharField(max_length=50, default="main")
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.READY)
    input = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    output = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    error = models.JSONField(null=True, blank=True, help_text="type, message, traceback, step")
    failure = models.CharField(
        max_length=200, blank=True, help_text="what failed, the same for all that failed alike"
    )
    reason = models.CharField(max_length=200, blank=True, help_text="why it was skipped")
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.CharField(max_length=150, blank=True)
    actor = models.CharField(max_length=150, default="system")
    idempotency_key = models.CharField(max_length=200, blank=True)
    singleton_key = models.CharField(max_length=200, blank=True)

    event = models.ForeignKey(
        "jobs.Event",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        db_index=False,
        help_text="what started it",
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        db_index=False,
    )
    parent_step = models.CharField(max_length=200, blank=True)
    child_index = models.IntegerField(null=True, blank=True)
    is_joined = models.BooleanField(default=False, help_text="its parent has counted its end")
    replay_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="replays",
        db_index=False,
    )

    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    sort_at = models.DateTimeField(help_text="the run's start less its priority: older first")
    due_at = models.DateTimeField(null=True, blank=True, help_text="when a waiting run wakes")
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="not begun after this moment"
    )
    deadline_at = models.DateTimeField(null=True, blank=True, help_text="failed when not over")

    is_limited = models.BooleanField(default=False, help_text="asked about limits when claimed")
    slot = models.CharField(max_length=200, blank=True, help_text="what it takes while it is held")
    slot_limit = models.IntegerField(default=0)
    second_slot = models.CharField(max_length=200, blank=True)
    second_limit = models.IntegerField(default=0)
    blocked_by = models.CharField(max_length=200, blank=True, help_text="the slot it waits for")
    throttle = models.JSONField(
        null=True, blank=True, help_text="key, per_second and burst of its starts"
    )
    is_admitted = models.BooleanField(default=False, help_text="its throttle gave it its start")

    epoch = models.IntegerField(default=0, help_text="fencing token; each claim adds one")
    worker_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="database clock")
    crashes = models.SmallIntegerField(default=0, help_text="since the last progress")
    attempts = models.SmallIntegerField(
        default=0, help_text="failures outside steps since the last progress"
    )
    is_woken = models.BooleanField(
        default=False, db_default=False, help_text="asked to look again while it was driven"
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)
    pause_requested_at = models.DateTimeField(null=True, blank=True)

    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True, blank=True)
    progress_text = models.CharField(max_length=200, blank=True)

    objects: ClassVar = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("retry_run", "Can retry, replay and dismiss failed runs"),
            ("cancel_run", "Can cancel a run"),
            ("pause_run", "Can pause and resume a run"),
        ]
        constraints = [
            models.CheckConstraint(
                name="run_status_known", condition=Q(status__in=RunStatus.values)
            ),
            models.UniqueConstraint(
                name="run_start_once",
                fields=["workflow", "idempotency_key"],
                condition=~Q(idempotency_key=""),
            ),
            models.UniqueConstraint(
                name="run_singleton",
                fields=["workflow", "singleton_key"],
                condition=~Q(singleton_key="") & Q(status__in=sorted(ACTIVE)),
            ),
        ]
        indexes = [
            models.Index(
                name="run_ready", fields=["queue", "sort_at", "id"], condition=Q(status="ready")
            ),
            models.Index(name="run_due", fields=["due_at"], condition=Q(status="waiting")),
            # Without `lease_until`: a renewal then touches no index, and its row stays on its page.
            models.Index(
                name="run_held", fields=["worker_id"], condition=Q(status__in=sorted(HELD))
            ),
            models.Index(
                name="run_blocked",
                fields=["blocked_by", "sort_at", "id"],
                condition=Q(status="blocked"),
            ),
            models.Index(
                name="run_slot",
                fields=["slot"],
                condition=~Q(slot="") & Q(status__in=sorted(HELD)),
            ),
            models.Index(
                name="run_second_slot",
                fields=["second_slot"],
                condition=~Q(second_slot="") & Q(status__in=sorted(HELD)),
            ),
            models.Index(
                name="run_deadline",
                fields=["deadline_at"],
                condition=Q(deadline_at__isnull=False, status__in=sorted(ACTIVE)),
            ),
            models.Index(
                name="run_children",
                fields=["parent", "parent_step", "child_index"],
                condition=Q(parent__isnull=False),
            ),
            models.Index(name="run_by_event", fields=["event"], condition=Q(event__isnull=False)),
            models.Index(
                name="run_replays", fields=["replay_of"], condition=Q(replay_of__isnull=False)
            ),
            models.Index(name="run_by_workflow", fields=["workflow", "-id"]),
            models.Index(
                name="run_over", fields=["status", "-id"], condition=Q(status__in=sorted(OVER))
            ),
            models.Index(
                name="run_dead_letters",
                fields=["failure", "-id"],
                condition=Q(status="failed", dismissed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.public_id}"

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def is_new(self) -> bool:
        """Whether it has no steps yet, so that nobody need look: this is its first claim. (A replay begins at 1.)"""
        return self.epoch == 1

    @property
    def blocked_until(self) -> str:
        """What a blocked run waits for, in words."""
        kind, _, name = self.blocked_by.partition(":")
        if kind == "workflow" and self.blocked_by not in self.slots:
            return f"until somebody resumes {name}, which is paused"
        if kind == "turn":
            return (
                f"until one of those before it in step “{self.parent_step}” of its parent has ended"
            )
        return f"until one of those that use up “{self.blocked_by}” has ended"

    @property
    def slots(self) -> dict[str, int]:
        """What this run takes up while a worker has it, with how many may have it at once."""
        pairs = ((self.slot, self.slot_limit), (self.second_slot, self.second_limit))
        return {slot: limit for slot, limit in pairs if slot}


class Step(models.Model):
    """A checkpoint of a run, known by its name and occurrence. A completed one is never executed again."""

    pk = models.CompositePrimaryKey("run", "key")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps", db_index=False)
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=StepKind)
    status = models.CharField(max_length=10, choices=StepStatus)
    attempts = models.SmallIntegerField(default=0)
    output = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    error = models.JSONField(null=True)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True)
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


class Join(models.Model):
    """How many children of a step have not ended: the one that counts it down to zero wakes the parent."""

    pk = models.CompositePrimaryKey("run", "step")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="joins", db_index=False)
    step = models.CharField(max_length=200)
    remaining = models.IntegerField()
    failed = models.IntegerField(default=0)
    is_impatient = models.BooleanField(help_text="the first failure wakes the parent")
    is_bounded = models.BooleanField(help_text="the end of a child frees the next")

    def __str__(self) -> str:
        return f"{self.step}: {self.remaining} to come"

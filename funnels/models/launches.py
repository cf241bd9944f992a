"""A funnel at work for an event, and the streams through which its steps go out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from funnels.models.events import Event
from funnels.models.funnels import Funnel, Step
from funnels.states import LaunchStatus
from messaging.channels import Channel


class Launch(PublicIdModel):
    """A funnel launched for an event: everybody who is registered is enrolled in it, and everybody who will be."""

    id_prefix = "lau"

    event = models.ForeignKey(Event, models.PROTECT, related_name="launches", db_index=False)
    funnel = models.ForeignKey(Funnel, models.PROTECT, related_name="launches")
    status = models.CharField(
        max_length=6, choices=LaunchStatus, default=LaunchStatus.LIVE, editable=False
    )
    paused_reason = models.CharField(max_length=500, blank=True, editable=False)
    launched_by = models.CharField(max_length=200, editable=False)
    launched_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "launched funnel"
        ordering: ClassVar = ["-launched_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "funnel"], name="funnel_is_launched_once"),
            models.CheckConstraint(
                name="launch_status_is_known", condition=Q(status__in=LaunchStatus.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.funnel} for {self.event}"


class StepStream(models.Model):
    """The stream of one step on one channel, for one event: its messages are what became of the step."""

    launch = models.ForeignKey(Launch, models.PROTECT, related_name="step_streams", db_index=False)
    step = models.ForeignKey(Step, models.PROTECT, related_name="step_streams")
    channel = models.CharField(max_length=8, choices=Channel)
    stream = models.OneToOneField("messaging.Stream", models.PROTECT, related_name="funnel_step")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["launch", "step", "channel"], name="step_has_one_stream_per_channel"
            )
        ]

    def __str__(self) -> str:
        return f"{self.step} by {self.channel}"

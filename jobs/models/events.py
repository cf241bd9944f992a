"""Events, what came of them, and what makes finding the right ones cheap."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from jobs.models.runs import Run


class EventQuerySet(models.QuerySet["Event"]):
    def undispatched(self) -> EventQuerySet:
        return self.filter(dispatched_at=None)


class Event(PublicIdModel):
    """A named fact with data. Append-only: what came of it stands in its effects."""

    id_prefix = "evt"
    #: Whether what was just sent is an earlier event of the same id.
    is_duplicate = False

    name = models.CharField(max_length=200)
    data = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    extra = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="what the sender gave beside the data"
    )
    occurred_at = models.DateTimeField(help_text="as the sender says; in the future: not before")
    received_at = models.DateTimeField(default=clock.now)
    dedup_key = models.CharField(
        "sender's id", max_length=200, blank=True, help_text="the same id counts once in 24 hours"
    )
    actor = models.CharField(max_length=150, default="system")
    dispatched_at = models.DateTimeField(null=True, help_text="when its effects took place")
    error = models.TextField(blank=True, help_text="why its effects could not take place")

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="event_once", fields=["name", "dedup_key"], condition=~Q(dedup_key="")
            )
        ]
        indexes = [
            models.Index(name="event_undispatched", fields=["id"], condition=Q(dispatched_at=None)),
            models.Index(name="event_by_name", fields=["name", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.public_id}"


class EffectKind(models.TextChoices):
    """What an event did to a run, or why it did nothing to a workflow that looks for such events."""

    STARTED = "started", "Started"
    WOKE = "woke", "Woke"
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Skipped"  #: a limit of the workflow let it start nothing
    NOT_MATCHED = "not_matched", "Did not match"
    REFUSED = "refused", "Refused"  #: it does not fit what the workflow takes


class EventEffect(models.Model):
    """One thing that came of an event, or why nothing did."""

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="effects", db_index=False
    )
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="event_effects")
    workflow = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=EffectKind)
    step = models.CharField(max_length=200, blank=True)
    detail = models.TextField(blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="effect_once", fields=["event", "run", "kind"]),
            models.CheckConstraint(
                name="effect_kind_known", condition=Q(kind__in=EffectKind.values)
            ),
        ]


class EventShape(models.Model):
    """A set of paths by which somebody looks for events of a name (none: for any of that name).

    Events have keys for each shape of their name: those dispatched after the shape was known, and those newer than
    `covers_from`, whenever they came.
    """

    name = models.CharField(max_length=200)
    paths = models.JSONField(default=list)
    signature = models.CharField(max_length=64, help_text="of the paths")
    covers_from = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(name="shape_once", fields=["name", "signature"])]


class EventKey(models.Model):
    """What an event is found by: its name and its values at the paths of one shape."""

    pk = models.CompositePrimaryKey("key", "event")
    key = models.CharField(max_length=200)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="keys")

    def __str__(self) -> str:
        return self.key


class WaitKind(models.TextChoices):
    """What an event does to a run that stands here."""

    WAKE = "wake", "Wake"
    CANCEL = "cancel", "Cancel"


class Wait(models.Model):
    """A run that an event of this key wakes or cancels. A row lives while the run waits, or may be cancelled."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="waits", db_index=False)
    kind = models.CharField(max_length=6, choices=WaitKind)
    step = models.CharField(max_length=200, blank=True)
    event_name = models.CharField(max_length=200)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="wait_once", fields=["run", "kind", "step", "key"]),
            models.CheckConstraint(name="wait_kind_known", condition=Q(kind__in=WaitKind.values)),
        ]
        indexes = [models.Index(name="wait_by_key", fields=["key"])]

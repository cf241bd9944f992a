"""The nouns: a campaign is one template, sent once to the people of some lists."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q

from campaigns.states import UNDER_WAY, Status
from core.clock import now
from core.ids import PublicIdModel
from messaging.states import HoldPolicy

if TYPE_CHECKING:
    from messaging.models import Stream


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """The adjectives of campaigns."""

    def due(self, at: datetime) -> Self:
        """Scheduled campaigns whose time has come and that wait for nobody, oldest first."""
        return self.filter(status=Status.SCHEDULED, scheduled_at__lte=at, asks_since=None).order_by(
            "scheduled_at", "id"
        )

    def under_way(self) -> Self:
        """Campaigns whose run is at work."""
        return self.filter(status__in=UNDER_WAY)


class Campaign(PublicIdModel):
    """One template to the people of some lists, through one sender, once.

    The template's version and the audience (members who had joined by `launched_at`) are frozen
    when it starts; from then on the messages of `stream` are the truth about who got what.
    """

    id_prefix = "cmp"

    name = models.CharField(max_length=200)
    template = models.ForeignKey("messaging.Template", models.PROTECT, related_name="campaigns")
    sender = models.ForeignKey("messaging.Sender", models.PROTECT, related_name="campaigns")
    lists = models.ManyToManyField("messaging.ContactList", related_name="campaigns")
    topic = models.ForeignKey(
        "messaging.Topic",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="Who declined this topic does not get it.",
    )
    quiet_hours = models.CharField(
        "where it is night",
        max_length=6,
        choices=HoldPolicy,
        default=HoldPolicy.HOLD,
        help_text="In the quiet hours of the sender, by the clock of each person.",
    )
    over_cap = models.CharField(
        "who got enough of late",
        max_length=6,
        choices=HoldPolicy,
        default=HoldPolicy.HOLD,
        help_text="More would be above the sender's limit of messages to one person.",
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.DRAFT, editable=False)

    scheduled_at = models.DateTimeField(null=True, blank=True, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC", editable=False)
    #: Why its start at `scheduled_at` was refused; tried again at the next check.
    start_problem = models.TextField(blank=True, editable=False)
    #: Since when it asks a person whether it may still start, being later than the limit.
    asks_since = models.DateTimeField(null=True, blank=True, editable=False)

    template_version = models.ForeignKey(
        "messaging.TemplateVersion", models.PROTECT, null=True, editable=False, related_name="+"
    )
    stream = models.OneToOneField(
        "messaging.Stream", models.PROTECT, null=True, editable=False, related_name="campaign"
    )
    #: The run that waits for `scheduled_at`.
    timer = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    #: The run of `campaigns.send`.
    run = models.OneToOneField(
        "jobs.Run", models.SET_NULL, null=True, editable=False, related_name="campaign"
    )

    launched_at = models.DateTimeField(null=True, editable=False)
    launched_by = models.CharField(max_length=200, blank=True, editable=False)
    paused_reason = models.TextField(blank=True, editable=False)
    #: What had been sent, bounced and been complained about when it last paused itself; {} where it never did.
    judged_from = models.JSONField(default=dict, blank=True, editable=False)
    #: When a person cancelled it; it is `cancelled` once what was handed over is settled.
    cancel_asked_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    #: Why its run failed; or, once it was sent, why nobody got it.
    failure = models.TextField(blank=True, editable=False)
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        permissions: ClassVar = [
            ("launch_campaign", "Can send and schedule campaigns"),
            ("control_campaign", "Can pause, resume and cancel campaigns"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="campaign_status_is_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="campaign_schedule_has_a_time",
                condition=~Q(status=Status.SCHEDULED) | Q(scheduled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_hold_policies_are_known",
                condition=Q(quiet_hours__in=HoldPolicy.values, over_cap__in=HoldPolicy.values),
            ),
            models.CheckConstraint(
                name="campaign_launch_is_frozen",
                condition=Q(status__in=[Status.DRAFT, Status.SCHEDULED, Status.CANCELLED])
                | Q(launched_at__isnull=False, template_version__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                F("scheduled_at"), name="campaign_due", condition=Q(status=Status.SCHEDULED)
            ),
            models.Index(F("created_at").desc(), F("id").desc(), name="campaign_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scheduled_local(self) -> datetime | None:
        """The scheduled moment in the zone that staff chose for it."""
        return self.scheduled_at and self.scheduled_at.astimezone(ZoneInfo(self.time_zone))

    @property
    def ledger(self) -> Stream:
        """The stream of a campaign that has been launched."""
        assert self.stream, f"{self.public_id} has not been launched"
        return self.stream

    @property
    def is_cancelling(self) -> bool:
        """Cancelled by a person, and what was handed over is not settled yet."""
        return self.cancel_asked_at is not None and self.status != Status.CANCELLED

"""What staff write: a funnel, its versions, and their steps."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from core import clock
from core.ids import PublicIdModel
from funnels.planning import StepFacts
from funnels.states import Anchor, Condition, Direction, LatePolicy, Unit
from funnels.timing import Offset
from jobs.flow import Concurrency, Throttle
from messaging.channels import Channel
from messaging.models import Sender, Template, TemplateVersion
from messaging.states import HoldPolicy


class Funnel(PublicIdModel):
    """A named way along which people are written to before or after an event. Its content stands in its versions."""

    id_prefix = "fnl"

    name = models.CharField(max_length=120)
    starts_per_minute = models.PositiveIntegerField(
        "people a minute",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text="How many begin their way in a minute. 50 suits a new account; empty: as fast as they come.",
    )
    at_once = models.PositiveIntegerField(
        "people at once",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000)],
        help_text="How many are worked for at the same moment. Empty: as many as there are workers.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        permissions: ClassVar = [
            ("launch_funnel", "Can publish funnels and launch them for events"),
            ("control_funnel", "Can pause, resume and end launched funnels"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="funnel_name_is_unique"),
            models.CheckConstraint(
                name="funnel_pace_is_positive",
                condition=(Q(starts_per_minute=None) | Q(starts_per_minute__gte=1))
                & (Q(at_once=None) | Q(at_once__gte=1)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def published(self) -> FunnelVersion | None:
        """The version that people enroll into now."""
        return self.versions.exclude(published_at=None).order_by("-number").first()

    @property
    def draft(self) -> FunnelVersion | None:
        """The version that is being written, where there is one."""
        return self.versions.filter(published_at=None).first()

    @property
    def throttle(self) -> Throttle | None:
        return (
            Throttle(self.starts_per_minute, 60, key="funnel") if self.starts_per_minute else None
        )

    @property
    def concurrency(self) -> tuple[Concurrency, ...]:
        return (Concurrency(self.at_once, key="funnel"),) if self.at_once else ()


class FunnelVersion(PublicIdModel):
    """One content of a funnel, numbered from 1. Once published it never changes: who is enrolled finishes on it."""

    id_prefix = "fnv"

    funnel = models.ForeignKey(Funnel, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    email_sender = models.ForeignKey(
        Sender,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel": Channel.EMAIL},
        verbose_name="sender of e-mails",
    )
    sms_sender = models.ForeignKey(
        Sender,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel": Channel.SMS},
        verbose_name="sender of SMS",
    )
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.CharField(max_length=200, blank=True, editable=False)
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = "version of a funnel"
        verbose_name_plural = "versions of funnels"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["funnel", "number"], name="funnel_version_is_numbered"),
            models.UniqueConstraint(
                fields=["funnel"], condition=Q(published_at=None), name="funnel_has_one_draft"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.funnel} v{self.number}"

    def sender_of(self, channel: Channel) -> Sender | None:
        return self.email_sender if channel is Channel.EMAIL else self.sms_sender


class Step(PublicIdModel):
    """One thing a person gets: when, on which channels, from which templates, and for whom."""

    id_prefix = "stp"

    version = models.ForeignKey(FunnelVersion, models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=60, help_text="As staff call it: reminder-24h.")
    amount = models.PositiveSmallIntegerField(default=0, help_text="How many; 0 is at once.")
    unit = models.CharField(max_length=7, choices=Unit, default=Unit.HOURS)
    direction = models.CharField("", max_length=6, choices=Direction, default=Direction.AFTER)
    anchor = models.CharField("counted from", max_length=8, choices=Anchor, default=Anchor.ENROLLED)
    local_time = models.TimeField(
        "at", null=True, blank=True, help_text="Of whole days: the time in the event's zone."
    )
    email_template = models.ForeignKey(
        Template,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel": Channel.EMAIL},
        verbose_name="e-mail",
    )
    sms_template = models.ForeignKey(
        Template,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"channel": Channel.SMS},
        verbose_name="SMS",
    )
    #: What is sent: the templates' latest versions when this was published.
    email_version = models.ForeignKey(
        TemplateVersion, models.PROTECT, null=True, editable=False, related_name="+"
    )
    sms_version = models.ForeignKey(
        TemplateVersion, models.PROTECT, null=True, editable=False, related_name="+"
    )
    condition = models.CharField("for", max_length=8, choices=Condition, default=Condition.ANY)
    late_policy = models.CharField(
        "when late", max_length=8, choices=LatePolicy, default=LatePolicy.SKIP
    )
    late_minutes = models.PositiveIntegerField(
        "late after (minutes)",
        null=True,
        blank=True,
        help_text="Empty: a quarter of the way to the start; 24 hours where it is not counted from the start.",
    )
    quiet_hours = models.CharField(
        "in quiet hours", max_length=6, choices=HoldPolicy, default=HoldPolicy.HOLD
    )

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "name"], name="step_is_named_once"),
            models.CheckConstraint(
                name="step_words_are_known",
                condition=Q(
                    anchor__in=Anchor.values,
                    unit__in=Unit.values,
                    direction__in=Direction.values,
                    condition__in=Condition.values,
                    late_policy__in=LatePolicy.values,
                    quiet_hours__in=HoldPolicy.values,
                ),
            ),
            models.CheckConstraint(
                name="step_has_a_channel",
                condition=Q(email_template__isnull=False) | Q(sms_template__isnull=False),
                violation_error_message="A step needs a template.",
            ),
            models.CheckConstraint(
                name="step_before_has_an_anchor_ahead",
                condition=~Q(direction=Direction.BEFORE)
                | Q(amount=0)
                | Q(anchor__in=[Anchor.START, Anchor.END]),
                violation_error_message="Before goes with the event's start and end alone.",
            ),
            models.CheckConstraint(
                name="step_local_time_is_of_days",
                condition=Q(local_time=None) | Q(unit=Unit.DAYS),
                violation_error_message="A time of day goes with whole days alone.",
            ),
        ]
        indexes: ClassVar = [models.Index(F("version"), F("position"), name="step_by_version")]

    def __str__(self) -> str:
        return self.name

    @property
    def offset(self) -> Offset:
        return Offset(
            Anchor(self.anchor),
            self.amount,
            Unit(self.unit),
            Direction(self.direction),
            self.local_time,
        )

    @property
    def facts(self) -> StepFacts:
        return StepFacts(
            key=self.pk,
            offset=self.offset,
            condition=self.condition,
            late_policy=self.late_policy,
            late_minutes=self.late_minutes,
        )

    @property
    def templates(self) -> dict[Channel, Template]:
        """The template of each channel it goes out on."""
        chosen = {Channel.EMAIL: self.email_template, Channel.SMS: self.sms_template}
        return {channel: each for channel, each in chosen.items() if each}

    @property
    def frozen(self) -> dict[Channel, TemplateVersion]:
        """The template's version of each channel, once published."""
        chosen = {Channel.EMAIL: self.email_version, Channel.SMS: self.sms_version}
        return {channel: each for channel, each in chosen.items() if each}

"""How a sender holds back: its day's allowance, its warm-up, its quiet hours, and when it stops a campaign."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


class PacedModel(models.Model):
    """The part of a sender that says how much it sends, when, and to whom how often."""

    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="Where its day begins, and where people live whose own zone is not known. Empty: this site's.",
    )
    daily_cap = models.PositiveIntegerField(
        "messages a day",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Empty: no limit. What is left over goes out on the next days.",
    )
    warm_up = models.CharField(
        "warm-up",
        max_length=300,
        blank=True,
        help_text="Messages on the first day, the second, …: 150, 250, 400, 700, 1000, 1500, 2000. "
        "After the last only the limit above holds.",
    )
    warm_up_from = models.DateField("first day of the warm-up", null=True, blank=True)
    quiet_from = models.TimeField(
        "quiet from", null=True, blank=True, help_text="In the time zone of each person."
    )
    quiet_until = models.TimeField("quiet until", null=True, blank=True)
    contact_cap = models.PositiveSmallIntegerField(
        "messages to one person",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="So many at most within the days below, on this channel, from all senders. Empty: no limit.",
    )
    contact_cap_days = models.PositiveSmallIntegerField(
        "within days",
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
    )
    max_bounce_percent = models.FloatField(
        "pause a campaign above … % bounces",
        null=True,
        blank=True,
        default=4.0,
        validators=[MinValueValidator(0.01), MaxValueValidator(100)],
        help_text="Empty: never. Providers ask for less than 4 %.",
    )
    max_complaint_percent = models.FloatField(
        "pause a campaign above … % complaints",
        null=True,
        blank=True,
        default=0.1,
        validators=[MinValueValidator(0.001), MaxValueValidator(100)],
        help_text="Empty: never. Gmail asks for less than 0.1 %, and never 0.3 %.",
    )
    guard_sample = models.PositiveIntegerField(
        "… once so many were sent",
        default=500,
        validators=[MinValueValidator(1)],
        help_text="The fewest sent messages of a campaign by which those two rates are judged.",
    )
    not_before = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="when its next day begins, once today's allowance is used up",
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="sender_quiet_hours_are_whole",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (
                    Q(quiet_from__isnull=False, quiet_until__isnull=False)
                    & ~Q(quiet_from=F("quiet_until"))
                ),
            ),
            models.CheckConstraint(
                name="sender_warm_up_has_a_first_day",
                condition=Q(warm_up="") | Q(warm_up_from__isnull=False),
            ),
        ]

    @property
    def zone(self) -> ZoneInfo:
        """Where its day begins."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)


class SenderDay(models.Model):
    """How many messages of a sender were handed over on one of its days. Kept only while it has an allowance."""

    sender = models.ForeignKey(
        "messaging.Sender", on_delete=models.CASCADE, related_name="days", db_index=False
    )
    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "day"], name="sender_day_is_one_row")
        ]

    def __str__(self) -> str:
        return f"{self.sender} on {self.day}: {self.count}"

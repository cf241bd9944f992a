"""Searches that people saved, what they found since, and the messages that told it."""

from __future__ import annotations

from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from messaging.models import Contact, Message, Sender
from tenders.models.tenders import Tender, TenderEvent
from tenders.states import EventKind, Frequency, SearchStatus


class Weekday(models.IntegerChoices):
    """Days as `date.isoweekday()` numbers them."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    """The adjectives of saved searches."""

    def active(self) -> Self:
        """Those that look and write."""
        return self.filter(status=SearchStatus.ACTIVE)


class SavedSearch(PublicIdModel):
    """What somebody wants to be told of: each change of a tender that matches, once, when they want to read it."""

    id_prefix = "sch"
    Status = SearchStatus

    name = models.CharField(max_length=120, help_text="What its messages are headed with")
    contact = models.ForeignKey(
        Contact, models.PROTECT, related_name="tender_searches", help_text="Who asked for it"
    )
    criteria = models.JSONField(default=dict, blank=True)
    kinds = models.JSONField(
        "kinds of change", default=list, blank=True, help_text="None: every kind"
    )
    frequency = models.CharField(max_length=8, choices=Frequency, default=Frequency.DAILY)
    hour = models.PositiveSmallIntegerField(
        default=7,
        validators=[MaxValueValidator(23)],
        help_text="0 to 23, in the time zone of the search",
    )
    weekday = models.PositiveSmallIntegerField(
        choices=Weekday, default=Weekday.MONDAY, help_text="Of a weekly one"
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    sender = models.ForeignKey(Sender, models.PROTECT, related_name="+")

    status = models.CharField(
        max_length=8, choices=SearchStatus, default=SearchStatus.ACTIVE, editable=False
    )
    problem = models.CharField(max_length=300, blank=True, editable=False)
    #: When it may write next; empty for one that writes as it happens.
    next_at = models.DateTimeField("next message", null=True, editable=False)
    #: Up to where in the future it has looked for tenders that close soon.
    looked_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = SavedSearchQuerySet.as_manager()

    class Meta:
        verbose_name = "saved search"
        verbose_name_plural = "saved searches"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="tender_search_status_is_known", condition=Q(status__in=SearchStatus.values)
            ),
            models.CheckConstraint(
                name="tender_search_frequency_is_known", condition=Q(frequency__in=Frequency.values)
            ),
            models.CheckConstraint(
                name="tender_search_moment_is_of_a_day",
                condition=Q(hour__lte=23, weekday__gte=1, weekday__lte=7),
            ),
            models.CheckConstraint(
                name="tender_search_instant_has_no_moment",
                condition=Q(frequency=Frequency.INSTANT, next_at=None)
                | (~Q(frequency=Frequency.INSTANT) & Q(next_at__isnull=False)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"],
                name="tender_search_due",
                condition=Q(status=SearchStatus.ACTIVE),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def wanted_kinds(self) -> frozenset[str]:
        return frozenset(self.kinds or EventKind.values)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class AlertDigest(models.Model):
    """One message of a saved search, of one period: what it mentions was mentioned by no other."""

    search = models.ForeignKey(SavedSearch, models.CASCADE, related_name="digests", db_index=False)
    period = models.CharField(max_length=40, help_text="daily-20260302T0500Z")
    message = models.OneToOneField(Message, models.PROTECT, related_name="+")
    change_count = models.PositiveIntegerField("changes")
    tender_count = models.PositiveIntegerField("tenders")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "digest"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="tender_digest_is_one", fields=["search", "period"]),
        ]

    def __str__(self) -> str:
        return self.period


class AlertMatch(models.Model):
    """A change that concerns a saved search: found once, and mentioned once, by `digest`."""

    search = models.ForeignKey(SavedSearch, models.CASCADE, related_name="matches", db_index=False)
    event = models.ForeignKey(TenderEvent, models.CASCADE, related_name="matches")
    tender = models.ForeignKey(Tender, models.CASCADE, related_name="+", db_index=False)
    digest = models.ForeignKey(AlertDigest, models.PROTECT, null=True, related_name="matches")
    is_closing = models.BooleanField(
        default=False, help_text="Nothing changed but the time: it closes soon now"
    )
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "match"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="tender_match_is_one", fields=["search", "event"]),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["search", "id"],
                name="tender_match_untold",
                condition=Q(digest=None),
            ),
            models.Index(fields=["tender", "search"], name="tender_match_known"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.tender_id}"

"""Spans of a source's time, the pages that were fetched of them, and numbers that a source does not have."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from core import clock
from core.ids import PublicIdModel
from tenders.models.sources import TenderSource
from tenders.states import GAPS, WindowKind, WindowStatus


class SyncWindowQuerySet(models.QuerySet["SyncWindow"]):
    """The adjectives of windows."""

    def gaps(self) -> Self:
        """Those that nobody has proven complete or given up."""
        return self.filter(status__in=GAPS)


class SyncWindow(PublicIdModel):
    """A span of a source's time: complete, or a gap that says why. Live windows tile it without overlaps.

    The row is the checkpoint of its crawl: `next_url` and `page_count` move in the transaction that keeps what a page
    brought. A crawl that begins anew has the next number; what earlier ones brought stays.
    """

    id_prefix = "win"

    source = models.ForeignKey(TenderSource, models.CASCADE, related_name="windows")
    kind = models.CharField(max_length=8, choices=WindowKind, default=WindowKind.LIVE)
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    status = models.CharField(max_length=8, choices=WindowStatus, default=WindowStatus.OPEN)
    problem = models.CharField(max_length=500, blank=True)

    crawl = models.PositiveIntegerField("crawls", default=0)
    next_url = models.TextField(blank=True, editable=False)
    page_count = models.PositiveIntegerField("pages", default=0)
    release_count = models.PositiveIntegerField("releases", default=0)
    new_count = models.PositiveIntegerField("new releases", default=0)
    note_count = models.PositiveIntegerField("notes", default=0)
    #: Crawls that came to their end; and new releases of the present one: a pass that proves an earlier one has none.
    pass_count = models.PositiveIntegerField("passes", default=0)
    crawl_new_count = models.PositiveIntegerField(default=0, editable=False)
    error_count = models.PositiveIntegerField("failed requests", default=0)
    failures = models.PositiveIntegerField(default=0, editable=False)  #: in a row
    next_attempt_at = models.DateTimeField(null=True, editable=False)

    run = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    closed_by = models.CharField(max_length=160, blank=True)
    closed_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = SyncWindowQuerySet.as_manager()

    class Meta:
        verbose_name = "window"
        ordering: ClassVar = ["-starts_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="tender_window_status_is_known", condition=Q(status__in=WindowStatus.values)
            ),
            models.CheckConstraint(
                name="tender_window_has_length", condition=Q(starts_at__lt=F("ends_at"))
            ),
            models.CheckConstraint(
                name="tender_window_closed_says_why",
                condition=~Q(status=WindowStatus.CLOSED) | ~Q(closed_reason=""),
            ),
            models.UniqueConstraint(
                name="tender_window_is_one",
                fields=["source", "kind", "starts_at", "ends_at"],
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["source", "kind", "starts_at"],
                name="tender_window_gaps",
                condition=Q(status__in=GAPS),
            ),
            models.Index(fields=["source", "-ends_at"], name="tender_window_newest"),
        ]

    def __str__(self) -> str:
        zone = self.source.zone
        return f"{self.starts_at.astimezone(zone):%d %b %H:%M} – {self.ends_at.astimezone(zone):%d %b %H:%M}"

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    @property
    def is_gap(self) -> bool:
        return self.status in GAPS


class SourcePage(models.Model):
    """One answer of a source, byte for byte, compressed; `number` counts the answers of a crawl. Kept a fortnight."""

    window = models.ForeignKey(SyncWindow, models.CASCADE, related_name="page_set")
    crawl = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    url = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the bytes")
    size = models.PositiveIntegerField()
    body = models.BinaryField(help_text="gzip")
    fetched_at = models.DateTimeField(default=clock.now)
    #: When what it holds was saved; a crash between is made good from these bytes.
    saved_at = models.DateTimeField(null=True)
    is_item = models.BooleanField(default=False, help_text="The answer for one process alone")
    release_count = models.PositiveIntegerField(default=0)
    #: Of the releases it holds: two pages of one crawl with the same are one page twice.
    content_digest = models.CharField(max_length=64, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "page"
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="tender_page_is_one", fields=["window", "crawl", "number"]
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["fetched_at"], name="tender_page_age")]

    def __str__(self) -> str:
        return f"Page {self.number}"

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.body)


class AbsentNumber(models.Model):
    """A number between others under which a source has no process, or never answers."""

    source = models.ForeignKey(TenderSource, models.CASCADE, related_name="absent_numbers")
    number = models.PositiveBigIntegerField()
    answer = models.CharField(max_length=100)
    is_failure = models.BooleanField(default=False, help_text="It failed, rather than said no")
    asked_count = models.PositiveIntegerField(default=1)
    asked_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="tender_absent_is_one", fields=["source", "number"]),
        ]

    def __str__(self) -> str:
        return str(self.number)

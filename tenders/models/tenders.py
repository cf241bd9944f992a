"""Releases as they came, and the processes that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from tenders.models.sources import TenderSource
from tenders.models.windows import SourcePage, SyncWindow
from tenders.states import EnrichmentStatus, EventKind, Phase


class OcdsRelease(models.Model):
    """A release as its source published it: never changed, kept once however often it comes."""

    # The unique index leads with the source, so the source needs none of its own.
    source = models.ForeignKey(
        TenderSource, models.CASCADE, related_name="releases", db_index=False
    )
    ocid = models.CharField(max_length=200)
    release_id = models.CharField(max_length=200)
    released_at = models.DateTimeField(null=True, help_text="Its date; empty where that is none")
    tags = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of its canonical JSON")
    data: models.JSONField[Any, Any] = models.JSONField()
    page = models.ForeignKey(
        SourcePage, models.SET_NULL, null=True, related_name="+", help_text="Where it first stood"
    )
    first_seen_at = models.DateTimeField(default=clock.now)
    #: When it last came after another of the same id and date; orders those of sources that edit in place.
    revised_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "release"
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="tender_release_is_one", fields=["source", "ocid", "digest"]
            ),
        ]

    def __str__(self) -> str:
        return self.release_id


class TenderQuerySet(models.QuerySet["Tender"]):
    """The adjectives of tenders."""

    def of_processes(self, ocids: Sequence[str]) -> Self:
        """Those of these processes, whichever their sources: the index leads with the source, and there are few."""
        sources = list(TenderSource.objects.values_list("pk", flat=True))
        return self.filter(source__in=sources, ocid__in=ocids)

    def to_enrich(self) -> Self:
        """Those whose turn of enrichment has come: new ones first, then due retries."""
        waiting = (
            EnrichmentStatus.PENDING,
            EnrichmentStatus.NOT_FOUND,
            EnrichmentStatus.FAILED,
        )
        due = self.filter(enrichment__in=waiting, enrich_at__lte=clock.now())
        return due.order_by("enrich_attempts", "-published_at", "-id")


class Tender(PublicIdModel):
    """One contracting process: what all its releases together say, and the columns that people look for it by."""

    id_prefix = "tnd"

    source = models.ForeignKey(TenderSource, models.CASCADE, related_name="tenders", db_index=False)
    ocid = models.CharField(max_length=200)
    compiled: models.JSONField[Any, Any] = models.JSONField(help_text="The compiled release")
    digest = models.CharField(max_length=64, editable=False)
    release_count = models.PositiveIntegerField("releases", default=1)

    number = models.CharField(max_length=200, blank=True, help_text="The buyer's own")
    title = models.CharField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    buyer = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=40, blank=True, help_text="As published")
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.TENDER)
    method = models.CharField(max_length=200, blank=True)
    category = models.CharField(max_length=120, blank=True, help_text="goods, works or services")
    detailed_category = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=200, blank=True)
    value = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    codes = models.JSONField(default=list, help_text="CPV codes of its items")
    document_count = models.PositiveIntegerField("documents", default=0)
    published_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField("last release", null=True)
    words = models.TextField(editable=False, help_text="What it is found by, in plain words")

    enrichment = models.CharField(
        max_length=10, choices=EnrichmentStatus, default=EnrichmentStatus.DISABLED
    )
    enrich_attempts = models.PositiveIntegerField(default=0)
    enrich_at = models.DateTimeField(null=True, help_text="When it is its turn")
    first_seen_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    objects: ClassVar = TenderQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [
            ("enrich_tender", "Can have tenders enriched"),
            ("export_tender", "Can export tenders"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="tender_is_one", fields=["source", "ocid"]),
            models.CheckConstraint(
                name="tender_phase_is_known", condition=Q(phase__in=Phase.values)
            ),
            models.CheckConstraint(
                name="tender_enrichment_is_known",
                condition=Q(enrichment__in=EnrichmentStatus.values),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-published_at"], name="tender_published"),
            models.Index(fields=["closes_at"], name="tender_closes"),
            models.Index(
                fields=["enrich_attempts", "enrich_at"],
                name="tender_to_enrich",
                condition=Q(enrichment__in=["pending", "not_found", "failed"]),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.ocid


class TenderEventQuerySet(models.QuerySet["TenderEvent"]):
    """The adjectives of changes."""

    def to_match(self) -> Self:
        """News that the saved searches have to look at, in whatever order it was committed."""
        return self.filter(is_due=True, is_news=True)


class TenderEvent(models.Model):
    """Something that happened to a tender, as we learned of it. Append-only, but for where matching stands."""

    tender = models.ForeignKey(Tender, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=EventKind)
    before: models.JSONField[Any, Any] = models.JSONField(null=True)
    after: models.JSONField[Any, Any] = models.JSONField(null=True)
    #: Learned while following the present, not from a backfill: worth telling somebody.
    is_news = models.BooleanField(default=True)
    at = models.DateTimeField(default=clock.now)
    #: To be looked at by the saved searches; a mark on the row itself, which no late commit slips behind.
    is_due = models.BooleanField(default=True, db_default=True)
    matched_at = models.DateTimeField("first matched", null=True)

    objects: ClassVar = TenderEventQuerySet.as_manager()

    class Meta:
        verbose_name = "change"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                name="tender_event_to_match",
                condition=Q(is_due=True, is_news=True),
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="tender_event_kind_is_known", condition=Q(kind__in=EventKind.values)
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class TenderNote(models.Model):
    """Something amiss with what a source sent: noted once, and nothing else held up by it."""

    source = models.ForeignKey(TenderSource, models.CASCADE, related_name="notes", db_index=False)
    window = models.ForeignKey(SyncWindow, models.SET_NULL, null=True, related_name="+")
    ocid = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    fingerprint = models.CharField(max_length=64, editable=False)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "note"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="tender_note_is_one", fields=["source", "fingerprint"]),
        ]

    def __str__(self) -> str:
        return self.text


class TenderEnrichment(models.Model):
    """An answer of an enricher about a tender, as it came. Append-only."""

    tender = models.ForeignKey(Tender, models.CASCADE, related_name="enrichments")
    enricher = models.CharField(max_length=24)
    outcome = models.CharField(max_length=10, choices=EnrichmentStatus)
    matched_by = models.CharField(max_length=40, blank=True)
    score = models.FloatField(null=True)
    data = models.JSONField(default=dict, help_text="What it says of the tender")
    raw: models.JSONField[Any, Any] = models.JSONField(null=True, help_text="The row as it came")
    call = models.CharField(max_length=80, blank=True, help_text="The paid call behind it")
    problem = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "enrichment"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.enricher}: {self.outcome}"

"""A source of notices as one declarative row: what to ask, how it pages, what its dates mean, how often to ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel


class Paging(models.TextChoices):
    """How a source says that there is more."""

    LINKS_NEXT = "links_next", "Each page names the next (links.next)"
    NUMBERED = "numbered", "Pages have numbers, up to an empty one"


class DateMeaning(models.TextChoices):
    """What moment of a release a source's dates select by."""

    UPDATED = "updated", "When it was last changed"
    PUBLISHED = "published", "When it was first published"


class Proof(models.TextChoices):
    """What proves that nothing of a window is missing."""

    CHAIN = "chain", "The pages lead to an end"
    PASSES = "passes", "… and another pass brings nothing new"
    NUMBERS = "numbers", "… and no number between the first and the last is missing"


class Enricher(models.TextChoices):
    """Where the fields come from that a source's releases lack."""

    NONE = "none", "Nowhere"
    SOUTH_AFRICA_PORTAL = "south_africa_portal", "The portal of South Africa's eTenders"
    AI = "ai", "Classification by AI"


class TenderSource(PublicIdModel):
    """Where notices come from. `cursor_at` is proven: nothing before it is missing, or staff gave it up."""

    id_prefix = "tsc"

    key = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Use small letters, digits and _.")],
        help_text="A short name that stays: za_etenders",
    )
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, help_text="ISO 3166: ZA")
    licence = models.CharField(max_length=120, blank=True)
    attribution = models.CharField(
        max_length=300, blank=True, help_text="What the licence wants shown beside the data"
    )
    is_enabled = models.BooleanField(
        "synced by schedule", default=False, help_text="Every 30 minutes"
    )

    # --- what to ask ---------------------------------------------------------------------------
    url = models.URLField("address", max_length=500, help_text="Of the list of releases")
    params = models.JSONField(
        "fixed parameters", default=dict, blank=True, help_text='{"limit": "100"}'
    )
    headers = models.JSONField(
        default=dict, blank=True, help_text='Sent with each request: {"Accept": "application/json"}'
    )
    from_param = models.CharField("parameter: from", max_length=60, default="updatedFrom")
    to_param = models.CharField("parameter: to", max_length=60, default="updatedTo")
    date_format = models.CharField(
        max_length=40, default="%Y-%m-%dT%H:%M:%S", help_text="As strftime writes it: %Y-%m-%d"
    )
    time_zone = models.CharField(
        max_length=60, default="UTC", help_text="In which the source reads dates without an offset"
    )
    date_meaning = models.CharField(
        "dates select by", max_length=10, choices=DateMeaning, default=DateMeaning.UPDATED
    )
    item_url = models.CharField(
        "address of one",
        max_length=500,
        blank=True,
        help_text="Of all releases of one process, with {ocid} in it",
    )
    ocid_prefix = models.CharField(max_length=60, blank=True, help_text="ocds-9t57fa-")

    # --- how it pages --------------------------------------------------------------------------
    paging = models.CharField(max_length=12, choices=Paging, default=Paging.LINKS_NEXT)
    page_param = models.CharField("parameter: page", max_length=60, blank=True)
    size_param = models.CharField("parameter: page size", max_length=60, blank=True)
    page_size = models.PositiveIntegerField(default=100, validators=[MinValueValidator(1)])
    proof = models.CharField("proven when", max_length=8, choices=Proof, default=Proof.CHAIN)
    may_be_empty = models.BooleanField(
        default=True, help_text="Whether a span without any release is believed"
    )
    edits_in_place = models.BooleanField(
        default=False,
        help_text="Changes a release under its old id and date: what was seen last counts",
    )

    # --- windows -------------------------------------------------------------------------------
    step_seconds = models.PositiveIntegerField(
        "longest span", default=6 * 3600, validators=[MinValueValidator(60)]
    )
    least_seconds = models.PositiveIntegerField(
        "shortest span", default=900, validators=[MinValueValidator(1)]
    )
    overlap_seconds = models.PositiveIntegerField(
        "overlap", default=3600, help_text="Asked again, for what the source shows late"
    )

    # --- politeness ----------------------------------------------------------------------------
    interval_seconds = models.FloatField(
        "seconds between requests", default=10.0, validators=[MinValueValidator(0.001)]
    )
    timeout_seconds = models.FloatField(default=120.0, validators=[MinValueValidator(0.1)])
    limit_statuses = models.JSONField(
        "answers that mean: too fast", default=list, blank=True, help_text="[429, 503]"
    )
    wait_seconds = models.PositiveIntegerField(
        "wait where it does not say", default=120, help_text="After such an answer"
    )
    retry_seconds = models.JSONField(
        "tries again after", default=list, blank=True, help_text="Seconds: [30, 120]"
    )

    # --- what its answers are like ---------------------------------------------------------------
    encoding = models.CharField(
        max_length=20, default="utf-8", help_text="Where an answer is no UTF-8: iso-8859-1"
    )
    fixups = models.JSONField(
        default=list,
        blank=True,
        help_text='[{"replace": ": 1e9999", "by": ": null"}, {"rename": "tender.kind", "to": "status"}]',
    )
    enricher = models.CharField(max_length=24, choices=Enricher, default=Enricher.NONE)
    portal_url = models.URLField(max_length=500, blank=True, help_text="Where it is looked up")
    portal_interval_seconds = models.FloatField(default=0.35, validators=[MinValueValidator(0.001)])
    stale_after_hours = models.PositiveIntegerField(
        default=24, help_text="Without new data on working days, before staff are alarmed"
    )

    # --- how it stands -----------------------------------------------------------------------------
    shipped_digest = models.CharField(max_length=64, blank=True, editable=False)
    cursor_at = models.DateTimeField("proven until", editable=False)
    planned_until = models.DateTimeField(editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    last_new_at = models.DateTimeField("last new data", null=True, editable=False)
    alarmed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = "source"
        ordering: ClassVar = ["name"]
        permissions: ClassVar = [
            ("sync_tendersource", "Can sync sources and backfill them"),
            ("close_tendersource", "Can give up windows of a source"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="tender_source_cursor_is_planned",
                condition=Q(cursor_at__lte=models.F("planned_until")),
            ),
            *(
                models.CheckConstraint(
                    name=f"tender_source_{field}_is_known",
                    condition=Q(**{f"{field}__in": choices.values}),
                )
                for field, choices in (
                    ("paging", Paging),
                    ("proof", Proof),
                    ("enricher", Enricher),
                )
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def host(self) -> str:
        """The host that is asked politely, with its port."""
        return urlsplit(self.url).netloc

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.step_seconds)

    @property
    def overlap(self) -> timedelta:
        return timedelta(seconds=self.overlap_seconds)

    @property
    def delays(self) -> list[float]:
        return list(self.retry_seconds)

    def spelt(self, at: datetime) -> str:
        """Return a moment as the source's parameters take it."""
        return at.astimezone(self.zone).strftime(self.date_format)

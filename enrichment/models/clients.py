"""Clients, their competitors, and what is known about them: each value with who said it, when, and how sure."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import PublicIdModel
from enrichment.states import Mode, ProposalStatus, Source

CALL = "enrichment.AiCall"


class Client(PublicIdModel):
    """A company that staff work for. What it is like stands in its field values."""

    id_prefix = "cli"

    name = models.CharField(max_length=200)
    domain = models.CharField(
        max_length=253,
        null=True,
        blank=True,
        unique=True,
        help_text="Its web domain, such as example.co.uk.",
    )
    web_text = models.TextField(
        "text about it",
        blank=True,
        help_text="What its website says, for example. The model reads it as data and obeys nothing in it.",
    )
    mode = models.CharField(
        "answers of AI",
        max_length=8,
        choices=Mode,
        default=Mode.AUTO,
        help_text="What a person has set is never overwritten, either way.",
    )
    run = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    enhanced_at = models.DateTimeField(null=True, blank=True, editable=False)
    enhancement_count = models.PositiveIntegerField(default=0, editable=False)
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        permissions: ClassVar = [("enhance_client", "Can spend money on AI about clients")]
        constraints: ClassVar = [
            models.CheckConstraint(name="client_mode_is_known", condition=Q(mode__in=Mode.values))
        ]

    def __str__(self) -> str:
        return self.name


class Provenance(models.Model):
    """Who said a value, how sure, and when."""

    source = models.CharField(max_length=8, choices=Source)
    call = models.ForeignKey(CALL, models.SET_NULL, null=True, blank=True, related_name="+")
    confidence = models.FloatField(null=True, blank=True)
    set_by = models.CharField(max_length=160)
    set_at = models.DateTimeField(default=now)

    class Meta:
        abstract = True


class FieldValue(Provenance):
    """What is known of a client in one field now. Locked: only people change it."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="values")
    field = models.CharField(max_length=40)
    value = models.JSONField()
    is_locked = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["field"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "field"], name="field_value_once"),
            models.CheckConstraint(
                name="field_value_source_is_known", condition=Q(source__in=Source.values)
            ),
        ]


class FieldChange(Provenance):
    """One change of a field, with what stood before; `null` where nothing did. Append-only, but for its undoing."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="changes")
    field = models.CharField(max_length=40)
    before = models.JSONField(
        null=True, help_text="value, source, call, confidence, set_by, set_at, is_locked"
    )
    after = models.JSONField(null=True)
    undone_at = models.DateTimeField(null=True, editable=False)
    undone_by = models.CharField(max_length=160, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["client", "-id"], name="field_change_client")]


class Proposal(PublicIdModel):
    """A value that waits for a person: of a client in review mode, or one that the model is not sure of."""

    id_prefix = "pro"

    client = models.ForeignKey(Client, models.CASCADE, related_name="proposals")
    field = models.CharField(max_length=40)
    value = models.JSONField()
    confidence = models.FloatField(null=True, blank=True)
    call = models.ForeignKey(CALL, models.CASCADE, related_name="proposals")
    status = models.CharField(
        max_length=10, choices=ProposalStatus, default=ProposalStatus.PENDING, editable=False
    )
    created_at = models.DateTimeField(default=now, editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.CharField(max_length=160, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="proposal_status_is_known", condition=Q(status__in=ProposalStatus.values)
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["client"],
                name="proposal_pending",
                condition=Q(status=ProposalStatus.PENDING),
            )
        ]


class Competitor(PublicIdModel):
    """Another company in a client's market, known by its domain."""

    id_prefix = "cpt"

    client = models.ForeignKey(Client, models.CASCADE, related_name="competitors")
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253)
    source = models.CharField(max_length=8, choices=Source)
    call = models.ForeignKey(CALL, models.SET_NULL, null=True, blank=True, related_name="+")
    confidence = models.FloatField(null=True, blank=True)
    dismissed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="A person said that it is none; it does not come back.",
    )
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "domain"], name="competitor_once"),
            models.CheckConstraint(
                name="competitor_source_is_known", condition=Q(source__in=Source.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.domain})"

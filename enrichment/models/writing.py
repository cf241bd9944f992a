"""What is written for clients: the questions people search with, and briefs for content."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import PublicIdModel
from enrichment.models.calls import AiCall
from enrichment.models.clients import Client
from enrichment.states import BriefStatus, Intent


class SearchQuery(PublicIdModel):
    """A question that people search with, for one keyword of a client and one intent. Only a model writes one."""

    id_prefix = "qry"

    client = models.ForeignKey(Client, models.CASCADE, related_name="queries")
    keyword = models.CharField(max_length=100)
    intent = models.CharField(max_length=16, choices=Intent)
    text = models.CharField(max_length=300)
    call = models.ForeignKey(AiCall, models.SET_NULL, null=True, related_name="queries")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "search queries"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "keyword", "text"], name="search_query_once"),
            models.CheckConstraint(
                name="search_query_intent_is_known", condition=Q(intent__in=Intent.values)
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Brief(PublicIdModel):
    """What a text should say, for whom, and how it is found: researched per platform, outlined, written."""

    id_prefix = "brf"

    client = models.ForeignKey(Client, models.CASCADE, null=True, blank=True, related_name="briefs")
    title = models.CharField(max_length=200)
    keywords = models.JSONField(help_text="A list of texts.")
    purpose = models.CharField(max_length=500)
    audience = models.CharField(max_length=500)
    platforms = models.JSONField(help_text="Where it should be found.")
    style_guide = models.TextField(blank=True)
    instructions = models.TextField("custom instructions", blank=True)
    status = models.CharField(
        max_length=8, choices=BriefStatus, default=BriefStatus.PENDING, editable=False
    )
    research = models.JSONField(null=True, blank=True, editable=False)
    outline = models.JSONField(null=True, blank=True, editable=False)
    text = models.TextField(blank=True, editable=False)
    run = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("write_brief", "Can spend money on content briefs and queries")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="brief_status_is_known", condition=Q(status__in=BriefStatus.values)
            )
        ]

    def __str__(self) -> str:
        return self.title

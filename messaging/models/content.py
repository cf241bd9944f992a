"""Blocks of text that a Content API keeps: our copy of each, and when it was good."""

from __future__ import annotations

from django.db import models

from core import clock
from core.ids import PublicIdModel


class ContentBlock(PublicIdModel):
    """The last good copy of one block, cleaned, in both forms; empty until it was fetched once.

    `asked_at` is when somebody last asked for a fresh copy, `answered_at` when that ended, in whatever
    way; while the latter is older, somebody is at it.
    """

    id_prefix = "blk"

    slug = models.CharField(max_length=80, unique=True)
    html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    fetched_at = models.DateTimeField(null=True, help_text="when the copy was made")
    expires_at = models.DateTimeField(null=True, help_text="when a fresh one is wanted")
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True, help_text="why the last try failed")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["slug"]
        verbose_name = "external content"
        verbose_name_plural = "external content"
        permissions = [("refresh_contentblock", "Can fetch external content anew")]
        constraints = [
            models.CheckConstraint(
                name="content_block_expires_when_fetched",
                condition=models.Q(fetched_at__isnull=True, expires_at__isnull=True)
                | models.Q(fetched_at__isnull=False, expires_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.slug

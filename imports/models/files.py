"""Files as they were uploaded, and what people said their columns mean."""

from __future__ import annotations

from typing import Any

from django.db import models

from core import clock


class StoredFile(models.Model):
    """A file under its checksum; the bytes lie in VAR_DIR. The same bytes are kept once."""

    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    facts = models.JSONField(
        default=dict, editable=False, help_text="what was seen of its bytes while it came in"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.sha256[:12]}…"


class SavedMapping(models.Model):
    """What the columns of a file with these headings were last said to mean."""

    target = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="of the headings in their order")
    columns: models.JSONField[Any, Any] = models.JSONField(default=list)
    actor = models.CharField(max_length=160)
    used_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "fingerprint"], name="saved_mapping_is_one_per_heading_row"
            )
        ]

"""What an import is, and what it could not take."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from core import clock
from core.ids import PublicIdModel
from messaging.models import ContactList


class ImportBatch(PublicIdModel):
    """One file on its way into contacts. Its counts always add up: no row is lost without a word.

    `row_count` is how many rows the file has; `total` how many of them have been dealt with.
    """

    id_prefix = "imp"

    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    encoding = models.CharField(max_length=16)
    delimiter = models.CharField(max_length=1)
    default_region = models.CharField(max_length=2)
    contact_list = models.ForeignKey(
        ContactList, on_delete=models.SET_NULL, null=True, blank=True, verbose_name="list"
    )
    consent_source = models.CharField(max_length=200, blank=True)
    consent_wording = models.TextField(blank=True)
    run = models.ForeignKey("jobs.Run", on_delete=models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    row_count = models.PositiveIntegerField("rows in the file")
    total = models.PositiveIntegerField("rows done", default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    values_left_out = models.PositiveIntegerField(default=0)
    consents_given = models.PositiveIntegerField(default=0)
    consents_kept_withdrawn = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "contact import"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    total=F("created") + F("updated") + F("unchanged") + F("rejected")
                ),
                name="import_batch_counts_add_up",
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportRejection(models.Model):
    """A row that was not imported, or a value that was left out of one that was."""

    batch = models.ForeignKey(
        ImportBatch, on_delete=models.CASCADE, related_name="rejections", db_index=False
    )
    line = models.PositiveIntegerField("line in the file")
    column = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=32)
    value = models.CharField(max_length=200, blank=True)
    message = models.CharField(max_length=300)
    is_whole_row = models.BooleanField("whole row")

    class Meta:
        ordering = ["line", "pk"]
        indexes = [models.Index(fields=["batch", "line"], name="import_rejection_by_line")]

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}"

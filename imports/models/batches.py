"""An import, and what became of each of its rows."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q

from core import clock
from core.ids import PublicIdModel
from imports.models.files import StoredFile
from imports.states import (
    MOVING,
    OVER,
    BadValues,
    BatchStatus,
    Duplicates,
    Effect,
    Go,
    Mode,
    RowStatus,
    UndoOutcome,
)


class CsvBatch(PublicIdModel):
    """One file on its way into the database. Its counts add up at every moment.

    `total` is how many rows the file has, `processed` how many have been dealt with; each of those is
    counted once, under one status. This row is also the import's checkpoint: `next_row` and
    `next_offset` move in the transaction that writes the rows before them.
    """

    id_prefix = "imp"
    Status = BatchStatus

    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="batches")
    file_name = models.CharField(max_length=255)
    target = models.CharField(max_length=64, help_text="what its rows become")
    status = models.CharField(max_length=12, choices=BatchStatus, default=BatchStatus.READING)
    go = models.CharField(max_length=8, choices=Go, default=Go.WAIT)
    parent = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="retries",
        help_text="the import whose failed rows these are",
    )
    run = models.ForeignKey("jobs.Run", on_delete=models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(max_length=160)

    overrides = models.JSONField(default=dict, help_text="what a person said about the file")
    layout = models.JSONField(default=dict, help_text="how the file is read")
    header = models.JSONField(default=list)
    sample = models.JSONField(default=list, help_text="the first rows, each with its line")
    columns = models.JSONField(default=list, help_text="what each column means, by position")
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.UPSERT)
    match = models.CharField("matched by", max_length=64)
    duplicates = models.CharField(
        "duplicates in the file", max_length=8, choices=Duplicates, default=Duplicates.FIRST
    )
    bad_values = models.CharField(max_length=12, choices=BadValues, default=BadValues.LEAVE_OUT)
    options = models.JSONField(default=dict)

    total = models.PositiveIntegerField("rows", default=0)
    processed = models.PositiveIntegerField(default=0)
    succeeded = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    warned = models.PositiveIntegerField("with values left out", default=0)
    undone = models.PositiveIntegerField(default=0)
    not_undone = models.PositiveIntegerField("edited since, not undone", default=0)
    rate = models.FloatField("rows per second", null=True)
    seconds_left = models.PositiveIntegerField(null=True)
    next_row = models.PositiveIntegerField(default=1, editable=False)
    next_offset = models.PositiveBigIntegerField(default=0, editable=False)

    check_result: models.JSONField[Any, Any] = models.JSONField(null=True)
    problem: models.JSONField[Any, Any] = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    forgotten_at = models.DateTimeField(
        "copies deleted at", null=True, editable=False, help_text="what it held of people"
    )

    class Meta:
        db_table = "csv_batches"
        verbose_name = "import"
        permissions = [
            ("run_csvbatch", "Can start, pause and cancel imports"),
            ("undo_csvbatch", "Can undo imports"),
        ]
        constraints = [
            models.CheckConstraint(
                name="csv_batch_status_is_known", condition=Q(status__in=BatchStatus.values)
            ),
            models.CheckConstraint(
                name="csv_batch_counts_add_up",
                condition=Q(
                    processed=F("succeeded") + F("unchanged") + F("skipped") + F("failed"),
                    processed__lte=F("total"),
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="csv_batch_by_status"),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def pending(self) -> int:
        """How many rows are still to come."""
        return self.total - self.processed

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    @property
    def is_moving(self) -> bool:
        return self.status in MOVING


class CsvRowQuerySet(models.QuerySet["CsvRow"]):
    """The adjectives of rows."""

    def failed(self) -> Self:
        return self.filter(status=RowStatus.FAILED)

    def warned(self) -> Self:
        """Rows that were taken with values left out."""
        return self.exclude(status=RowStatus.FAILED).exclude(error_code="")

    def forget(self) -> int:
        """Take off them what they hold of the things they were about; return how many rows these are.

        Numbers, statuses and codes stay.
        """
        said = ~Q(error_value="") | ~Q(error_message="") | Q(issues__isnull=False)
        kept = Q(before__isnull=False) | Q(answer__isnull=False)
        self.filter(said | kept).update(
            before=None, answer=None, issues=None, error_value="", error_message=""
        )
        return self.count()

    def undoable(self) -> Self:
        """Return rows that changed something or gave something besides, and were not looked at yet."""
        return self.exclude(effect="", added=[]).filter(undo="")


class CsvRow(models.Model):
    """What became of one row; written in the transaction of its effect."""

    # The unique index leads with the batch, so the batch needs none of its own.
    batch = models.ForeignKey(
        CsvBatch, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    number = models.PositiveIntegerField()
    line = models.PositiveIntegerField("line in the file")
    offset = models.PositiveBigIntegerField(editable=False, help_text="where its cells are kept")
    status = models.CharField(max_length=9, choices=RowStatus, default=RowStatus.PENDING)
    effect = models.CharField(max_length=7, choices=Effect, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    error_code = models.CharField(max_length=32, blank=True)
    error_column = models.CharField(max_length=200, blank=True)
    error_value = models.CharField(max_length=200, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    issues: models.JSONField[Any, Any] = models.JSONField(
        null=True, help_text="every problem, where there is more than one"
    )
    object_id = models.CharField(max_length=64, blank=True)
    before: models.JSONField[Any, Any] = models.JSONField(
        null=True, help_text="what stood in the fields that the row changed"
    )
    after = models.CharField(max_length=32, blank=True, help_text="fingerprint of what it left")
    added = models.JSONField(default=list, help_text="what it gave besides, such as consent")
    answer: models.JSONField[Any, Any] = models.JSONField(
        null=True, help_text="what a paid service said, until it is used"
    )
    undo = models.CharField(max_length=6, choices=UndoOutcome, blank=True)

    objects: ClassVar = CsvRowQuerySet.as_manager()

    class Meta:
        db_table = "csv_rows"
        verbose_name = "import row"
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="csv_row_is_one_per_number"),
            models.CheckConstraint(
                name="csv_row_status_is_known", condition=Q(status__in=RowStatus.values)
            ),
        ]
        indexes = [
            models.Index(
                fields=["batch", "number"],
                name="csv_row_with_error",
                condition=~Q(error_code=""),
            ),
            models.Index(
                fields=["object_id"], name="csv_row_by_object", condition=~Q(object_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"Line {self.line}"

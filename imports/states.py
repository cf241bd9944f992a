"""The statuses of imports and their rows, and the only moves between them."""

from __future__ import annotations

from django.db.models import TextChoices


class BatchStatus(TextChoices):
    """Where an import stands."""

    READING = "reading", "Reading the file"  #: a worker detects, and counts the rows
    MAPPING = "mapping", "Waiting for its columns"  #: a person says what the columns mean
    CHECKING = "checking", "Checking"  #: a dry run: nothing is written
    READY = "ready", "Checked, waiting to start"
    IMPORTING = "importing", "Importing"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"  #: the problem says why, and what to do
    CANCELLED = "cancelled", "Cancelled"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"


class RowStatus(TextChoices):
    """Where a row stands. A row that nobody has looked at yet has no record, and counts as pending."""

    PENDING = "pending", "Pending"  #: taken up, or waiting for another attempt
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"
    UNCHANGED = "unchanged", "Unchanged"


class Effect(TextChoices):
    """What a row did to the thing it is about."""

    NONE = "", "Nothing"
    CREATED = "created", "Created"
    UPDATED = "updated", "Updated"


class UndoOutcome(TextChoices):
    """What became of a row when its import was undone."""

    NONE = "", "Not undone"
    UNDONE = "undone", "Undone"
    EDITED = "edited", "Kept: edited since"


class Mode(TextChoices):
    """What may happen to the things a file names."""

    UPSERT = "upsert", "Create new ones and update the others"
    CREATE = "create", "Create new ones; one that exists is an error"
    UPDATE = "update", "Update only; one that does not exist is an error"
    SKIP = "skip", "Create new ones and leave the others alone"


class Duplicates(TextChoices):
    """Which row counts where several in one file are about the same thing."""

    FIRST = "first", "The first row counts"
    LAST = "last", "The last row counts"
    ERROR = "error", "None counts: each is an error"


class BadValues(TextChoices):
    """What happens to a row with a value that cannot be used."""

    LEAVE_OUT = "leave_out", "Leave the value out and keep the row"
    REJECT = "reject", "Reject the row"


class Go(TextChoices):
    """How far an import goes by itself once its file has been read."""

    WAIT = "wait", "Wait for a person"
    CHECK = "check", "Check, then wait"
    IMPORT = "import", "Import"


class Blank(TextChoices):
    """What an empty cell says about the field of its column."""

    KEEP = "keep", "Leaves the field as it is"
    ERASE = "erase", "Empties the field"


TRANSITIONS: dict[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.READING: frozenset(
        {BatchStatus.MAPPING, BatchStatus.CHECKING, BatchStatus.IMPORTING, BatchStatus.FAILED}
        | {BatchStatus.CANCELLED}
    ),
    BatchStatus.MAPPING: frozenset(
        {BatchStatus.READING, BatchStatus.CHECKING, BatchStatus.IMPORTING, BatchStatus.CANCELLED}
    ),
    BatchStatus.CHECKING: frozenset(
        {BatchStatus.READY, BatchStatus.MAPPING, BatchStatus.FAILED, BatchStatus.CANCELLED}
    ),
    BatchStatus.READY: frozenset(
        {BatchStatus.READING, BatchStatus.MAPPING, BatchStatus.CHECKING, BatchStatus.IMPORTING}
        | {BatchStatus.CANCELLED}
    ),
    BatchStatus.IMPORTING: frozenset(
        {BatchStatus.PAUSED, BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED}
    ),
    BatchStatus.PAUSED: frozenset({BatchStatus.IMPORTING, BatchStatus.CANCELLED}),
    BatchStatus.COMPLETED: frozenset({BatchStatus.UNDOING}),
    BatchStatus.FAILED: frozenset(
        {BatchStatus.READING, BatchStatus.IMPORTING, BatchStatus.CANCELLED, BatchStatus.UNDOING}
    ),
    BatchStatus.CANCELLED: frozenset({BatchStatus.UNDOING}),
    BatchStatus.UNDOING: frozenset({BatchStatus.UNDONE, BatchStatus.FAILED}),
    BatchStatus.UNDONE: frozenset(),
}

#: Where a person may still say how the file is to be read and what its columns mean.
OPEN = (BatchStatus.MAPPING, BatchStatus.READY)
#: Where a worker is at it, or will be.
MOVING = (
    BatchStatus.READING,
    BatchStatus.CHECKING,
    BatchStatus.IMPORTING,
    BatchStatus.UNDOING,
)
OVER = (
    BatchStatus.COMPLETED,
    BatchStatus.FAILED,
    BatchStatus.CANCELLED,
    BatchStatus.UNDONE,
)

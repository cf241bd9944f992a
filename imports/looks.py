"""How an import looks to staff: its status in a word, its way in steps, its rows in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from core.clock import now
from core.durations import in_words, on_a_clock
from core.live import Figure, Look
from imports.models import CsvBatch
from imports.states import OPEN, BatchStatus

APPEARANCES = {
    BatchStatus.READING: ("menu_book", "calm"),
    BatchStatus.MAPPING: ("view_column", "warn"),
    BatchStatus.CHECKING: ("fact_check", "calm"),
    BatchStatus.READY: ("play_circle", "warn"),
    BatchStatus.IMPORTING: ("upload", "calm"),
    BatchStatus.PAUSED: ("pause_circle", "warn"),
    BatchStatus.COMPLETED: ("check_circle", "good"),
    BatchStatus.FAILED: ("error", "bad"),
    BatchStatus.CANCELLED: ("cancel", "quiet"),
    BatchStatus.UNDOING: ("undo", "calm"),
    BatchStatus.UNDONE: ("undo", "quiet"),
}
WITH_ERRORS = Look("Completed with errors", "rule", "warn")


def look_of(batch: CsvBatch) -> Look:
    """Return how a batch's status is shown."""
    if batch.status == BatchStatus.COMPLETED and batch.failed:
        return WITH_ERRORS
    status = BatchStatus(batch.status)
    return Look(status.label, *APPEARANCES[status])


@dataclass(frozen=True)
class Step:
    """One station on the way of a file."""

    title: str
    is_done: bool
    is_current: bool
    url: str = ""


TITLES = ("File", "Reading", "Columns", "Check", "Import", "Report")
#: How far along a status is; `mapping` is Reading or Columns, as the page says.
PLACES = {
    BatchStatus.READING: 1,
    BatchStatus.MAPPING: 2,
    BatchStatus.CHECKING: 3,
    BatchStatus.READY: 3,
    BatchStatus.IMPORTING: 4,
    BatchStatus.PAUSED: 4,
}


def steps_of(batch: CsvBatch | None, *, page: str = "") -> list[Step]:
    """Return the way with the place of this page in it; earlier pages are linked while they may be changed."""
    if batch is None:
        return [Step(title, False, title == TITLES[0]) for title in TITLES]
    here = TITLES.index(page) if page else PLACES.get(BatchStatus(batch.status), len(TITLES) - 1)
    is_over = not page and here == len(TITLES) - 1
    return [
        Step(title, place < here or is_over, place == here, _link(batch, title))
        for place, title in enumerate(TITLES)
    ]


def _link(batch: CsvBatch, title: str) -> str:
    if batch.status not in OPEN:
        return ""
    if title == "Reading":
        return reading_of(batch)
    if title == "Columns":
        return columns_of(batch)
    if title == "Check" and batch.status == BatchStatus.READY:
        return page_of(batch)
    return ""


def page_of(batch: CsvBatch) -> str:
    """Return the address of a batch's page."""
    return reverse("admin:imports_csvbatch_change", args=[batch.pk])


def reading_of(batch: CsvBatch) -> str:
    """Return the address of the page that says how its file is read."""
    return reverse("admin:imports_csvbatch_reading", args=[batch.pk])


def columns_of(batch: CsvBatch) -> str:
    """Return the address of the page that asks what its columns mean."""
    return reverse("admin:imports_csvbatch_columns", args=[batch.pk])


def rows_of(batch: CsvBatch, **filters: str) -> str:
    """Return the address of the list of this batch's rows."""
    query = urlencode({"batch__id__exact": str(batch.pk), **filters})
    return f"{reverse('admin:imports_csvrow_changelist')}?{query}"


def figures_of(batch: CsvBatch) -> Sequence[Figure]:
    """Return what has become of the rows so far."""
    rows = [
        ("created", "Created", batch.created, "good", {"effect__exact": "created"}),
        ("updated", "Updated", batch.updated, "good", {"effect__exact": "updated"}),
        ("unchanged", "Unchanged", batch.unchanged, "quiet", {"status__exact": "unchanged"}),
        ("skipped", "Skipped", batch.skipped, "quiet", {"status__exact": "skipped"}),
        ("failed", "Failed", batch.failed, "bad", {"status__exact": "failed"}),
    ]
    if batch.succeeded and not batch.created + batch.updated:
        rows[:2] = [("succeeded", "Done", batch.succeeded, "good", {"status__exact": "succeeded"})]
    if batch.undone:
        rows.insert(0, ("undone", "Taken back", batch.undone, "warn", {"undo__exact": "undone"}))
    figures = [
        Figure(key, label, count, rows_of(batch, **where), tone if count else "quiet")
        for key, label, count, tone, where in rows
    ]
    if batch.warned:
        figures.append(Figure("warned", "With values left out", batch.warned, "", "warn"))
    return figures


@dataclass(frozen=True)
class Progress:
    """How far a batch is, how fast it goes, how long it still takes."""

    done: int
    total: int
    rate: float | None
    left: str
    elapsed: str

    @property
    def percent(self) -> int:
        """How much is dealt with; 100 only when everything is."""
        return self.done * 100 // self.total if self.total else 0


def progress_of(batch: CsvBatch) -> Progress:
    """Return the progress of an import as it stands."""
    left = ""
    if batch.status == BatchStatus.IMPORTING:
        seconds = batch.seconds_left
        left = "measuring the time left" if seconds is None else f"{in_words(seconds)} left"
    elapsed = ""
    if batch.started_at and batch.status not in (BatchStatus.UNDOING, BatchStatus.UNDONE):
        end = batch.finished_at or now()
        elapsed = on_a_clock(max(0.0, (end - batch.started_at).total_seconds()))
    return Progress(batch.processed, batch.total, batch.rate, left, elapsed)

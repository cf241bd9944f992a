"""The page of an import at one moment: everything it shows, ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.timezone import localtime

from core.durations import in_words
from core.live import Figure, Look, Notice
from imports import targets
from imports.actions import earlier_batches
from imports.checking import can_be_checked
from imports.copies import why_forgotten
from imports.estimating import cost_of
from imports.looks import (
    Progress,
    Step,
    figures_of,
    look_of,
    page_of,
    progress_of,
    reading_of,
    rows_of,
    steps_of,
)
from imports.models import CsvBatch
from imports.reports import Report, report
from imports.states import OVER, BatchStatus, UndoOutcome
from imports.targets import PacedTarget
from jobs.health import live_clusters

SHOWN_DIFFS = 20
SHOWN_ISSUES = 50
#: The words of a check's counts, in the order in which they are shown: key, label, tone.
CHECKED = (
    ("create", "Will be created", "good"),
    ("update", "Will be updated", "good"),
    ("unchanged", "Stay as they are", "quiet"),
    ("skip", "Will be skipped", "quiet"),
    ("reject", "Will be rejected", "bad"),
    ("warn", "With values left out", "warn"),
)
AT_IT = (BatchStatus.IMPORTING, BatchStatus.PAUSED)


@dataclass(frozen=True)
class Panel:
    """One moment of an import, as staff see it."""

    batch: CsvBatch
    title: str
    look: Look
    steps: Sequence[Step]
    notices: Sequence[Notice]
    progress: Progress | None = None
    figures: Sequence[Figure] = ()
    check: Check | None = None
    estimate: str = ""
    report: Report | None = None
    retries: Sequence[CsvBatch] = field(default=())

    @property
    def reasons(self) -> Sequence[Figure]:
        """Why rows or values were not taken, each with the list of its rows."""
        return [
            Figure(
                each.message,
                each.code.replace("_", " ").capitalize(),
                each.count,
                rows_of(self.batch, error_code__exact=each.code, status__exact=each.status),
            )
            for each in (self.report.reasons if self.report else ())
        ]

    @property
    def issues(self) -> Sequence[dict[str, Any]]:
        """The first rows that were not taken, in words."""
        return [
            {
                "line": row.line,
                "column": row.error_column,
                "value": row.error_value,
                "message": row.error_message,
            }
            for row in (self.report.first_issues if self.report else ())
        ]

    @property
    def may_start(self) -> bool:
        """What is to be done is known: it was checked, or is of a kind that cannot be."""
        if self.batch.status == BatchStatus.MAPPING:
            return bool(self.batch.columns) and not can_be_checked(self.batch)
        return self.batch.status == BatchStatus.READY

    @property
    def has_errors_to_download(self) -> bool:
        """There are rows to correct and import again."""
        has_errors = bool(self.batch.failed or self.batch.warned)
        return self.report is not None and has_errors and self.batch.forgotten_at is None


@dataclass(frozen=True)
class Check:
    """What a dry run has found, ready to be drawn."""

    figures: Sequence[Figure]
    diffs: Sequence[dict[str, Any]]
    issues: Sequence[dict[str, Any]]
    reasons: Sequence[tuple[str, int]]
    writes: int


def panel_of(batch: CsvBatch) -> Panel:
    """Return the page of a batch as it stands now."""
    is_over = batch.status in OVER or batch.status == BatchStatus.UNDOING
    return Panel(
        batch,
        targets.get(batch.target).title,
        look_of(batch),
        steps_of(batch),
        list(notices_of(batch)),
        progress=running(batch),
        figures=figures_of(batch) if batch.status in AT_IT or is_over else (),
        check=check_of(batch) if batch.status == BatchStatus.READY else None,
        estimate=estimate_of(batch),
        report=report(batch) if is_over and batch.total else None,
        retries=list(batch.retries.order_by("pk")) if is_over else (),
    )


def running(batch: CsvBatch) -> Progress | None:
    """Return the progress of what is going on: of the run before the import, of the rows from then on."""
    if batch.status in (BatchStatus.READING, BatchStatus.CHECKING):
        run = batch.run
        return Progress(run.progress_done, run.progress_total or 0, None, "", "") if run else None
    if batch.status in (BatchStatus.MAPPING, BatchStatus.READY) or not batch.total:
        return None
    return progress_of(batch)


def named(diff: dict[str, Any], *, target: targets.Target) -> dict[str, Any]:
    """Return one row's changes with their fields named as staff know them."""
    labels = {field.name: field.label for field in target.fields}
    changes = {
        labels.get(name, name.removeprefix(targets.ATTRIBUTE)): pair
        for name, pair in diff["changes"].items()
    }
    return {**diff, "changes": changes}


def estimate_of(batch: CsvBatch) -> str:
    """Return what it costs, and how long the pauses alone take, where rows are paced."""
    target = targets.get(batch.target)
    if not isinstance(target, PacedTarget) or batch.status != BatchStatus.MAPPING:
        return ""
    pauses = max(0, batch.total // target.batch_size - 1)
    pace = (
        f"{target.batch_size} rows at a time, {target.pause_seconds:g} s between: "
        f"the pauses alone take {in_words(pauses * target.pause_seconds)}."
    )
    return f"{cost_of(batch)} {pace}".strip()


def check_of(batch: CsvBatch) -> Check | None:
    """Return what the dry run has found, in words and figures."""
    result = batch.check_result
    if not result:
        return None
    figures = [
        Figure(key, label, result[key], tone=tone if result[key] else "quiet")
        for key, label, tone in CHECKED
        if result.get(key) or key in ("create", "update", "reject")
    ]
    reasons = sorted(result["reasons"].items(), key=lambda item: (-item[1], item[0]))
    return Check(
        figures,
        [named(diff, target=targets.get(batch.target)) for diff in result["diffs"][:SHOWN_DIFFS]],
        result["issues"][:SHOWN_ISSUES],
        [(code.replace("_", " "), count) for code, count in reasons],
        writes=result["create"] + result["update"],
    )


def notices_of(batch: CsvBatch) -> Iterator[Notice]:
    """Yield what staff should know, the most pressing first."""
    yield from trouble(batch)
    if batch.is_moving and not live_clusters():
        yield Notice(
            "No worker is running, so nothing will happen yet.",
            "Ask whoever operates this to start one.",
        )
    if forgotten := why_forgotten(batch):
        yield Notice(forgotten, "", "delete", "calm")
    yield from history(batch)
    if batch.not_undone:
        place = rows_of(batch, undo__exact=UndoOutcome.EDITED)
        text = f"{batch.not_undone:,} rows were edited since, and stay."
        yield Notice(text, "", "edit", "warn", place, "See which")


def trouble(batch: CsvBatch) -> Iterator[Notice]:
    """Yield why it failed; where that is how the file was read, with the way to say how."""
    if not batch.problem:
        return
    is_unread = batch.status == BatchStatus.FAILED and not batch.total
    yield Notice(
        batch.problem["message"],
        batch.problem.get("remedy", ""),
        "error",
        "bad",
        reading_of(batch) if is_unread else "",
        "Read it in another way",
    )


def history(batch: CsvBatch) -> Iterator[Notice]:
    """Yield which import's failed rows these are, or who imported the very same file before."""
    if batch.parent:
        place, name = page_of(batch.parent), batch.parent.file_name
        text = "These are the failed rows of an earlier import."
        yield Notice(text, "", "refresh", "calm", place, name)
        return
    earlier = [each for each in earlier_batches(batch.file) if each.pk < batch.pk]
    for each in [each for each in earlier if each.target == batch.target][:1]:
        who = each.actor.partition(":")[2] or each.actor
        yield Notice(
            f"This file was imported before, on {localtime(each.created_at):%-d %B %Y} by {who}.",
            "Rows that would change nothing are left alone.",
            "history",
            "warn",
            page_of(each),
            "Open that import",
        )

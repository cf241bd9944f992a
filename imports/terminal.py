"""An import in a terminal: a progress bar while it goes, and what came of it in words."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

from imports.models import CsvBatch
from imports.reports import first_issues
from imports.states import BatchStatus
from jobs.watching import looks

SHOWN_ISSUES = 10


def watch_batch(batch: CsvBatch) -> None:
    """Show a batch's progress until it has ended, or waits for somebody."""
    with tqdm(unit=" rows", disable=None, file=sys.stderr) as bar:
        for _ in looks(bar):
            batch.refresh_from_db()
            _show(bar, batch)
            if not batch.is_moving or batch.run is None or batch.run.is_over:
                break
    batch.refresh_from_db()


def issues_of(batch: CsvBatch) -> list[str]:
    """Return the first things that were not taken, or would not be, one line each."""
    if batch.status == BatchStatus.READY:
        found = (batch.check_result or {}).get("issues", [])
        return [f"line {e['line']}: {e['message']} {_value(e)}" for e in found[:SHOWN_ISSUES]]
    return [
        f"line {row.line}: {row.error_message} "
        f"{_value({'column': row.error_column, 'value': row.error_value})}"
        for row in first_issues(batch, limit=SHOWN_ISSUES)
    ]


def summary(batch: CsvBatch) -> str:
    """Return what came of the rows, or would, in one line; the numbers add up."""
    if batch.status == BatchStatus.READY:
        would = batch.check_result or {}
        return (
            f"{batch.total:,} rows would be: {would['create']:,} created, {would['update']:,} updated, "
            f"{would['unchanged']:,} unchanged, {would['skip']:,} skipped, {would['reject']:,} rejected."
        )
    text = (
        f"{batch.total:,} rows: {batch.created:,} created, {batch.updated:,} updated, {batch.unchanged:,} unchanged,"
        f" {batch.skipped:,} skipped, {batch.failed:,} failed."
    )
    return f"{text} {batch.warned:,} with values left out." if batch.warned else text


def why(batch: CsvBatch) -> str:
    """Return why an import ended early, and how far it came."""
    problem = batch.problem or {}
    said = f"{problem.get('message', '')} {problem.get('remedy', '')}".strip()
    return f"{said} {batch.processed:,} of {batch.total:,} rows are done."


def _show(bar: tqdm[Any], batch: CsvBatch) -> None:
    """Draw how far it is: the rows of the import, or of the reading and checking before it."""
    if batch.status in (BatchStatus.READING, BatchStatus.CHECKING) and batch.run:
        bar.total, bar.n = batch.run.progress_total, batch.run.progress_done
    else:
        bar.total, bar.n = batch.total or None, batch.processed
    bar.set_description(batch.get_status_display(), refresh=False)
    bar.set_postfix_str(f"{batch.failed:,} failed" if batch.failed else "")


def _value(issue: dict[str, Any]) -> str:
    return (
        f"[{issue['column']}: {issue['value']!r}]" if issue["column"] else f"[{issue['value']!r}]"
    )

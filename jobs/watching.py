"""Watching in a terminal until something is over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

from tqdm import tqdm

from jobs.health import live_clusters
from jobs.models import Run
from jobs.states import RunStatus

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 5.0
NO_WORKER = "No worker is running, so nothing will happen yet. Start one: manage.py worker"


def looks(bar: tqdm[Any]) -> Iterator[None]:
    """Yield for ever, twice a second; say once, beside the bar, that there is no worker where that is so."""
    patience = monotonic() + PATIENCE_SECONDS
    has_warned = False
    while True:
        yield
        sleep(LOOK_SECONDS)
        if not has_warned and monotonic() > patience and not live_clusters():
            bar.write(NO_WORKER, file=sys.stderr)
            has_warned = True


def watch_run(run: Run) -> Run:
    """Show a run's progress until it is over; say so when there is no worker to drive it."""
    with tqdm(desc=run.workflow, unit="", disable=None, file=sys.stderr) as bar:
        for _ in looks(bar):
            run.refresh_from_db()
            _show(bar, run)
            if run.is_over:
                break
    return run


def _show(bar: tqdm[Any], run: Run) -> None:
    bar.total = run.progress_total
    bar.n = run.progress_done
    bar.set_postfix_str(run.progress_text or run.get_status_display().lower())


def outcome(run: Run) -> str:
    """Return in one line how a run ended."""
    if run.status == RunStatus.FAILED and run.error:
        where = f" in step {run.error['step']!r}" if run.error.get("step") else ""
        return f"{run.public_id} failed{where}: {run.error['type']}: {run.error['message']}"
    return f"{run.public_id} {run.get_status_display().lower()}"

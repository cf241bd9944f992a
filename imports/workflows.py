"""The durable work of imports. An import's own row is its checkpoint: each run goes on where that stands.

Between chunks a run gives its worker back, so that several imports share the workers fairly.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction

from core import clock
from imports import checking, erasing, forgetting, loading, moves, preparing, undoing
from imports.actions.running import cancel_abandoned
from imports.ahead import ReadingAhead
from imports.models import CsvBatch
from imports.paced import PacedRows
from imports.states import MOVING, BatchStatus
from imports.targets import PacedTarget, get
from jobs.context import RunContext
from jobs.flow import Singleton
from jobs.models import Run
from jobs.registry import workflow
from messaging.models import Contact

#: How long an import works before it lets others have the worker.
TURN_SECONDS = 2.0
#: What to do once the reason of a failure is mended.
RESUME = "Mend the reason, then resume the import: it goes on at the next row."
REMEDIES = {
    moves.READ: "Mend the reason, then say how the file is read, or import it again.",
    moves.CHECK: "Mend the reason, then import the file again.",
    moves.UNDO: "Mend the reason, then undo it again: that goes on where it stopped.",
}


@workflow(moves.READ, on_failure="imports.stopped")
def read(run: RunContext, *, batch: str) -> str:
    """Read a file into rows and suggest what its columns mean; what cannot be read says why."""
    found = CsvBatch.from_public_id(batch)
    if found.status == BatchStatus.READING:
        preparing.prepare(found)
    return found.status


@workflow(moves.CHECK, on_failure="imports.stopped")
def check(run: RunContext, *, batch: str) -> str:
    """Go through the rows and count what an import would do; nothing is written."""
    found = CsvBatch.from_public_id(batch)
    run.step("find duplicates", loading.find_duplicates_of, batch)
    turn = time.monotonic()
    with ReadingAhead(found) as ahead:
        while found.status == BatchStatus.CHECKING:
            if not checking.check_chunk(found, run, ahead):
                checking.finish(found)
            found.refresh_from_db()
            run.progress(found.next_row - 1, found.total, "rows checked")
            if time.monotonic() - turn > TURN_SECONDS:
                run.snooze()
    return found.status


@workflow(moves.LOAD, on_failure="imports.stopped")
def load(run: RunContext, *, batch: str) -> str:
    """Write the rows chunk by chunk; a chunk's effects, records and counts commit together."""
    found = CsvBatch.from_public_id(batch)
    run.step("find duplicates", loading.find_duplicates_of, batch)
    turn = time.monotonic()
    with ReadingAhead(found) as ahead:
        while found.status == BatchStatus.IMPORTING:
            if not loading.load_chunk(found, run, ahead):
                loading.finish(found)
            found.refresh_from_db()
            run.progress(found.processed, found.total, "rows")
            if time.monotonic() - turn > TURN_SECONDS:
                run.snooze()
    return found.status


@workflow(moves.PACE, on_failure="imports.stopped")
def pace(run: RunContext, *, batch: str) -> str:
    """Call for the rows a few at a time, with a pause after each few."""
    found = CsvBatch.from_public_id(batch)
    run.step("find duplicates", loading.find_duplicates_of, batch)
    target = get(found.target)
    assert isinstance(target, PacedTarget)
    if found.status == BatchStatus.IMPORTING:
        has_more = PacedRows(found, run).work()
        found.refresh_from_db()
        run.progress(found.processed, found.total, "rows")
        if has_more and found.status == BatchStatus.IMPORTING:
            run.snooze(target.pause_seconds)
        loading.finish(found)
    return found.status


@workflow(moves.UNDO, on_failure="imports.stopped")
def undo(run: RunContext, *, batch: str) -> dict[str, int]:
    """Take rows back, the last ones first."""
    found = CsvBatch.from_public_id(batch)
    turn = time.monotonic()
    while found.status == BatchStatus.UNDOING:
        with transaction.atomic():
            count = undoing.undo_rows(found)
            run.renew()
        if not count:
            undoing.finish(found)
        found.refresh_from_db()
        run.progress(found.undone + found.not_undone, None, "rows taken back")
        if time.monotonic() - turn > TURN_SECONDS:
            run.snooze()
    return {"undone": found.undone, "not_undone": found.not_undone}


@workflow("imports.forget_old", cron="41 3 * * *", singleton=Singleton())
def forget_old(run: RunContext) -> int:
    """Delete the copies of people of imports that ended IMPORT_COPY_DAYS ago, or were left waiting as long; return of
    how many."""
    cancel_abandoned(forgetting.since(clock.now()))
    done = sum(
        forgetting.forget_copies(batch, renew=run.renew) for batch in forgetting.due(clock.now())
    )
    forgetting.sweep()
    return done


@workflow("imports.forget_person")
def forget_person(run: RunContext, *, contact: str, hashes: list[str]) -> int:
    """Forget an erased person in every import there was; return in how many rows. Waits for those under way."""
    before = Contact.from_public_id(contact).erased_at or clock.now()
    batches = CsvBatch.objects.filter(forgotten_at=None, created_at__lte=before).order_by("pk")
    rows = 0
    for batch in batches.exclude(status__in=MOVING):
        rows += run.step(f"forget in {batch.public_id}", erasing.forget_in, batch, hashes)
    if batches.filter(status__in=MOVING).exists():
        run.snooze(erasing.LOOK_AGAIN_SECONDS)
    return rows


@workflow("imports.stopped")
def stopped(this: RunContext, /, *, run: str, input: dict[str, Any], error: dict[str, Any]) -> None:
    """Say on the import that its run has failed, unless that was retried meanwhile; it can be resumed."""
    failed = Run.from_public_id(run)
    if failed.status != Run.Status.FAILED:
        return
    problem = {
        "message": f"{error['type']}: {error['message']}",
        "remedy": REMEDIES.get(failed.workflow, RESUME),
        "field": "",
        "code": "run_failed",
    }
    batch = CsvBatch.from_public_id(input["batch"])
    CsvBatch.objects.filter(pk=batch.pk, run=failed, status__in=MOVING).update(
        status=BatchStatus.FAILED, problem=problem, finished_at=clock.now(), seconds_left=None
    )

"""Writing rows in bulk, chunk by chunk: effects, records and counts of a chunk commit together."""

from __future__ import annotations

import time

from django.db import transaction

from core import audit, clock
from imports import recording
from imports.ahead import ReadingAhead
from imports.bulk import reader_of
from imports.duplicates import find_duplicates
from imports.models import CsvBatch
from imports.states import BatchStatus
from jobs.context import RunContext

COUNTS = ("total", "created", "updated", "unchanged", "skipped", "failed", "warned")


def find_duplicates_of(public_id: str) -> int:
    """Find the rows of an import that give way to others."""
    batch = CsvBatch.from_public_id(public_id)
    return find_duplicates(batch, reader_of(batch))


def load_chunk(batch: CsvBatch, run: RunContext, ahead: ReadingAhead) -> bool:
    """Write the next rows; return whether there were any.

    What stands of the import's status, its place in the file and the run's lease is proven in the same transaction: a
    paused or cancelled import writes nothing more, and no row is written twice.
    """
    if batch.next_row > batch.total:
        return False
    began = time.monotonic()
    rows, end = ahead.read(number=batch.next_row, offset=batch.next_offset)
    try:
        with transaction.atomic():
            outcomes = ahead.chunks.write(rows)
            ahead.begin(number=batch.next_row + len(rows), offset=end)
            recording.insert_outcomes(batch, outcomes)
            recording.count(
                batch,
                outcomes,
                while_status=BatchStatus.IMPORTING,
                at_row=batch.next_row,
                next_row=batch.next_row + len(rows),
                next_offset=end,
                **recording.pace(batch, rows=len(rows), seconds=time.monotonic() - began),
            )
            run.renew()
    except recording.Halted:
        return True  # the caller looks where the import stands now
    return True


def finish(batch: CsvBatch) -> None:
    """Mark an import as done, once every row has been dealt with."""
    with transaction.atomic():
        importing = CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.IMPORTING)
        finished = importing.update(
            status=BatchStatus.COMPLETED, finished_at=clock.now(), seconds_left=None
        )
        batch.refresh_from_db()
        if finished:
            counts = {name: getattr(batch, name) for name in COUNTS}
            audit.record("import.finished", batch, actor=batch.actor, **counts)

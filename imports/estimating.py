"""What an import costs, told before it starts: in the words of its target, judged by the first rows."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import Refused
from imports import targets
from imports.bulk import job_of, reader_of
from imports.mapping import require_key
from imports.models import CsvBatch
from imports.staging import read_staged, rows_path
from imports.states import OPEN, Duplicates
from imports.targets import PacedTarget, Record

#: So many rows are read while somebody waits for the page.
READ_ROWS = 1_000


def cost_of(batch: CsvBatch) -> str:
    """Return in words what an import that waits to be started costs, or why it could not be paid; else nothing."""
    target = targets.get(batch.target)
    if not isinstance(target, PacedTarget) or batch.status not in OPEN or not batch.columns:
        return ""
    others = max(0, batch.total - READ_ROWS)
    try:
        return target.estimate(first_rows(batch), others=others, job=job_of(batch))
    except Refused as refusal:
        return str(refusal)


def first_rows(batch: CsvBatch) -> Iterator[Record]:
    """Yield what the first rows say, without those that say nothing, and each thing once; reads when it is asked."""
    require_key(targets.get(batch.target), batch.columns, match=batch.match)
    rows, _ = read_staged(rows_path(batch), number=1, offset=0, limit=READ_ROWS)
    records = [record for record in map(reader_of(batch).read, rows) if record.fatal is None]
    if batch.duplicates == Duplicates.FIRST:
        records.reverse()  # of two with one key the latter stays below
    yield from {record.key: record for record in records}.values()

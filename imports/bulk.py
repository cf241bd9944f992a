"""The fast path: a chunk of rows is read, compared with what stands, and written in a handful of statements."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DataError, IntegrityError, transaction

from core.errors import Refused
from imports import targets
from imports.deciding import Outcome, decide, done, rejected
from imports.duplicates import Duplicates
from imports.models import CsvBatch
from imports.rows import RowReader
from imports.staging import read_staged, rows_path
from imports.states import Mode
from imports.targets import BulkTarget, Change, Issue, Job, Record

CHUNK_ROWS = 2_000


class Chunks:
    """The rows of one import, chunk by chunk."""

    def __init__(self, batch: CsvBatch) -> None:
        target = targets.get(batch.target)
        assert isinstance(target, BulkTarget)
        self._target = target
        self._batch = batch
        self._path = rows_path(batch)
        self._reader = reader_of(batch)
        self._duplicates = Duplicates.of(batch)
        self._job = job_of(batch)
        field = target.field(batch.match)
        self._key_label = field.label if field else batch.match
        # Nobody makes up an id: what it does not find is not created.
        self._mode = Mode.UPDATE if batch.match == "id" else batch.mode

    def read(self, *, number: int, offset: int) -> tuple[list[Record | Outcome], int]:
        """Return the next rows, parsed, and where those after them begin."""
        rows, end = read_staged(self._path, number=number, offset=offset, limit=CHUNK_ROWS)
        records = map(self._reader.read, rows)
        return [self._sifted(record) for record in records], end

    def plan(self, rows: Sequence[Record | Outcome]) -> list[Outcome | Change]:
        """Return what rows would do; nothing is written or locked."""
        records = [row for row in rows if isinstance(row, Record)]
        finished = [row for row in rows if isinstance(row, Outcome)]
        return [*finished, *self._decided(records, lock=False)]

    def write(self, rows: Sequence[Record | Outcome]) -> list[Outcome]:
        """Write rows in the caller's transaction; return what became of each."""
        records = [row for row in rows if isinstance(row, Record)]
        finished = [row for row in rows if isinstance(row, Outcome)]
        return [*finished, *self._written(records)]

    def _sifted(self, record: Record) -> Record | Outcome:
        if record.fatal:
            return rejected(record, record.fatal)
        return self._duplicates.judge(record) or record

    def _decided(self, records: Sequence[Record], *, lock: bool) -> list[Outcome | Change]:
        if not records:
            return []
        batch, target = self._batch, self._target
        keys = [record.key for record in records]
        standing = target.find(keys, match=batch.match, options=batch.options, lock=lock)
        decided = [
            decide(record, standing.get(record.key), self._mode, key_label=self._key_label)
            for record in records
        ]
        target.settle([each for each in decided if isinstance(each, Change)], job=self._job)
        return decided

    def _written(self, records: Sequence[Record]) -> list[Outcome]:
        """Write records together; where the database or the target refuses them, by halves, down to the bad row."""
        issues = [len(record.issues) for record in records]
        try:
            with transaction.atomic():
                decided = self._decided(records, lock=True)
                changes = [each for each in decided if isinstance(each, Change)]
                if changes:
                    self._target.write(changes, job=self._job)
        except (IntegrityError, DataError, Refused) as error:
            for record, known in zip(records, issues, strict=True):
                del record.issues[known:]  # they belong to the attempt that was undone
            if len(records) == 1:
                return [rejected(records[0], why_not_written(records[0], error))]
            middle = len(records) // 2
            return [*self._written(records[:middle]), *self._written(records[middle:])]
        return [done(each) if isinstance(each, Change) else each for each in decided]


def job_of(batch: CsvBatch) -> Job:
    return Job(batch.public_id, batch.file_name, batch.actor, batch.match, batch.options)


def reader_of(batch: CsvBatch) -> RowReader:
    """Return what reads the rows of an import."""
    return RowReader(
        targets.get(batch.target),
        batch.columns,
        match=batch.match,
        options=batch.options,
        bad_values=batch.bad_values,
        was_escaped="_error" in batch.header,
    )


def why_not_written(record: Record, error: Exception) -> Issue:
    """Return why a row was not written: in the target's words, or in the database's."""
    if isinstance(error, Refused):
        return Issue("rejected", "", record.key, error.message)
    reason = str(error).splitlines()[0].removeprefix("duplicate key value violates ")
    return Issue("not_storable", "", record.key, f"The database does not take this row: {reason}")

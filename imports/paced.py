"""The slow path: rows that call a paid or slow service, a few at a time.

A row's record is written before it is first called for (`pending`), so its attempts outlive a crash. Its answer is kept
the moment it arrives, and its effect and result commit together: a row is never finished twice, and an
answer never paid for twice unless the process died between the two.
"""

from __future__ import annotations

from django.db import DataError, IntegrityError, transaction
from django.db.models import F

from core.errors import PermanentFailure, Refused
from imports import recording, targets
from imports.bulk import job_of, reader_of, why_not_written
from imports.deciding import Outcome, rejected
from imports.duplicates import Duplicates
from imports.models import CsvBatch, CsvRow
from imports.staging import StagedRow, open_staged, read_at, read_staged, rows_path
from imports.states import BatchStatus, Effect, RowStatus
from imports.targets import Issue, PacedTarget, Record
from jobs.context import RunContext
from jobs.timelimits import StepTimedOut, time_limit

CRASHED = "The worker died each time this row was tried."


class PacedRows:
    """The rows of one import whose target is paced, under the lease of a run."""

    def __init__(self, batch: CsvBatch, run: RunContext) -> None:
        target = targets.get(batch.target)
        assert isinstance(target, PacedTarget)
        self._target = target
        self._batch = batch
        self._run = run
        self._path = rows_path(batch)
        self._reader = reader_of(batch)
        self._duplicates = Duplicates.of(batch)
        self._job = job_of(batch)

    def work(self) -> bool:
        """Give each row of the present batch one attempt, then return whether any are left.

        Stops before the next row once the import is paused or cancelled.
        """
        rows = self._unfinished() or self._take()
        for row in rows:
            if not self._goes_on():
                return True
            self._attempt(row)
        return bool(rows)

    def _unfinished(self) -> list[CsvRow]:
        return list(self._batch.rows.filter(status=RowStatus.PENDING).order_by("number"))

    def _take(self) -> list[CsvRow]:
        """Take up the next rows: those that need no call are settled at once, the others become pending."""
        batch = CsvBatch.objects.get(pk=self._batch.pk)
        if batch.next_row > batch.total:
            return []
        rows, end = read_staged(
            self._path,
            number=batch.next_row,
            offset=batch.next_offset,
            limit=self._target.batch_size,
        )
        settled, waiting = self._sorted(rows)
        with transaction.atomic():
            recording.insert_outcomes(batch, settled)
            CsvRow.objects.bulk_create(
                CsvRow(
                    batch=batch, number=each.number, line=each.line, offset=each.offset, attempts=0
                )
                for each in waiting
            )
            recording.count(
                batch,
                settled,
                at_row=batch.next_row,
                next_row=batch.next_row + len(rows),
                next_offset=end,
            )
            self._run.renew()
        return self._unfinished() or self._take()

    def _sorted(self, rows: list[StagedRow]) -> tuple[list[Outcome], list[Record]]:
        settled: list[Outcome] = []
        waiting: list[Record] = []
        for record in map(self._reader.read, rows):
            if record.fatal:
                settled.append(rejected(record, record.fatal))
            elif duplicate := self._duplicates.judge(record):
                settled.append(duplicate)
            else:
                waiting.append(record)
        return settled, waiting

    def _goes_on(self) -> bool:
        return CsvBatch.objects.filter(pk=self._batch.pk, status=BatchStatus.IMPORTING).exists()

    def _attempt(self, row: CsvRow) -> None:
        record = self._record(row)
        if row.answer is None and not self._ask(row, record):
            return
        try:
            with transaction.atomic():
                self._settle(row, self._saved(row, record))
        except (Refused, PermanentFailure) as error:
            self._reject(row, record, _issue("rejected", error))
        except (IntegrityError, DataError) as error:
            self._reject(row, record, why_not_written(record, error))

    def _saved(self, row: CsvRow, record: Record) -> Outcome:
        """Write an answer's effect; return what came of the row."""
        effect, object_id = self._target.save(record, row.answer["answer"], job=self._job)
        status = RowStatus.SUCCEEDED if effect else RowStatus.UNCHANGED
        return Outcome(record, status, Effect(effect), object_id=object_id)

    def _ask(self, row: CsvRow, record: Record) -> bool:
        """Call for a row and keep the answer; return whether there is one."""
        if row.attempts > self._target.retries:
            self._reject(row, record, Issue("crashed", "", "", CRASHED))
            return False
        self._begin(row)
        key = f"{self._batch.public_id}:{row.number}"
        try:
            with time_limit(self._target.row_seconds, self._too_long):
                answer = self._target.call(record, job=self._job, key=key)
        except (Refused, PermanentFailure) as error:
            self._reject(row, record, _issue("rejected", error))
            return False
        except StepTimedOut as error:
            self._try_again(row, record, _issue("timed_out", error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever the outside raises costs this row an attempt, and is recorded
            self._try_again(row, record, _issue("call_failed", error))
            return False
        self._keep(row, answer)
        return True

    def _too_long(self) -> StepTimedOut:
        return StepTimedOut(f"It took longer than {self._target.row_seconds:g} s.")

    def _begin(self, row: CsvRow) -> None:
        """Count the attempt before it is made: a row that kills its worker does not come up for ever."""
        with transaction.atomic():
            CsvRow.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1)
            self._run.renew()
        row.attempts += 1

    def _keep(self, row: CsvRow, answer: object) -> None:
        row.answer = {"answer": answer}
        with transaction.atomic():
            CsvRow.objects.filter(pk=row.pk).update(answer=row.answer)
            self._run.renew()

    def _try_again(self, row: CsvRow, record: Record, issue: Issue) -> None:
        """Note why an attempt failed; the row comes up again with the next attempt at its batch, or is given up."""
        if row.attempts > self._target.retries:
            self._reject(row, record, issue)
            return
        with transaction.atomic():
            CsvRow.objects.filter(pk=row.pk).update(**recording.fields_of(issue))
            self._run.renew()

    def _reject(self, row: CsvRow, record: Record, issue: Issue) -> None:
        with transaction.atomic():
            self._settle(row, rejected(record, issue))

    def _settle(self, row: CsvRow, outcome: Outcome) -> None:
        """Write a row's result and count it, in the transaction of its effect; the lease is proven last."""
        found = recording.problems(outcome)
        settled = CsvRow.objects.filter(pk=row.pk, status=RowStatus.PENDING).update(
            status=outcome.status,
            effect=outcome.effect,
            object_id=outcome.object_id,
            answer=None,  # it has become what the row came to
            **(recording.fields_of(found[0]) if found else recording.NO_ERROR),
        )
        if not settled:
            raise recording.Halted(self._batch.public_id)
        recording.count(self._batch, [outcome])
        self._run.renew()

    def _record(self, row: CsvRow) -> Record:
        with open_staged(self._path) as file:
            staged = read_at(file, number=row.number, offset=row.offset)
        return self._reader.read(staged)


def _issue(code: str, error: Exception) -> Issue:
    return Issue(code, "", "", str(error) or type(error).__name__)

"""A CSV file as records with their line numbers. A broken record costs one line, never the rest."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple, TextIO

# A value with more lines than this is a quote that nobody closed.
MAX_RECORD_LINES = 200
# Letters in one line and in one value: more is no row of a table, and memory is bounded.
MAX_LINE = 1024 * 1024
MAX_VALUE = 128 * 1024
SHOWN_TEXT = 200
MAX_COLUMNS = 1_000


class Record(NamedTuple):
    """The values of one row, and the physical line on which it begins."""

    line: int
    cells: list[str]


class BrokenRecord(NamedTuple):
    """A line that is no row of this table, and why. What could be told apart of it stands in its cells."""

    line: int
    cells: list[str]
    code: str
    message: str


class RunawayRecord(Exception):
    """A record that goes on and on."""


class LongLine(Exception):
    """A line without an end in sight; all of it has been read past."""


class Lines:
    """Physical lines, counted, of which those of the present record can be given back."""

    def __init__(self, source: Iterable[str]) -> None:
        self._source = iter(source)
        self._returned: deque[str] = deque()
        self.record: list[str] = []  # the lines of the present record
        self.number = 0
        self.ended_inside = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.record) == MAX_RECORD_LINES:
            raise RunawayRecord
        try:
            line = self._returned.popleft() if self._returned else next(self._source)
        except StopIteration:
            self.ended_inside = bool(self.record)
            raise
        self.number += 1
        self.record.append(line)
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            self._skip_the_rest()
            raise LongLine
        return line

    def begin_record(self) -> int:
        """Forget the lines so far; return the line on which the next record begins."""
        self.record = []
        self.ended_inside = False
        return self.number + 1

    def give_back_all_but_first(self) -> str:
        """Have every line of this record but its first read again; return that first."""
        first, *rest = self.record
        self._returned.extendleft(reversed(rest))
        self.number -= len(rest)
        self.record = [first]
        return first

    def _skip_the_rest(self) -> None:
        for piece in self._source:
            if piece[-1] in "\r\n":
                return


def lines_of(file: TextIO) -> Lines:
    """Return the lines of an open file, in pieces of bounded length."""
    return Lines(iter(partial(file.readline, MAX_LINE), ""))


def read_records(lines: Lines, delimiter: str) -> Iterator[Record | BrokenRecord]:
    """Yield every row that is not blank, of whatever width."""
    csv.field_size_limit(MAX_VALUE)
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        line = lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except LongLine:
            yield _endless(lines, line, delimiter)
            continue
        except (csv.Error, RunawayRecord) as error:
            yield _broken(lines, line, error)
            continue
        if lines.ended_inside or not _is_sound(lines, delimiter):
            yield _unclosed(lines, line)
        elif any(cells) and any(cell.strip() for cell in cells):
            yield Record(line, cells)


def fitted(record: Record | BrokenRecord, width: int) -> Record | BrokenRecord:
    """Return a row as one of so many values; blank values too many are no harm."""
    if isinstance(record, BrokenRecord) or len(record.cells) == width:
        return record
    cells = record.cells
    if len(cells) < width:
        code = "too_few_values"
    elif any(cell.strip() for cell in cells[width:]):
        code = "too_many_values"
    else:
        return Record(record.line, cells[:width])
    message = f"The row has {len(cells)} values, the header has {width}."
    return BrokenRecord(record.line, cells, code, message)


def _is_sound(lines: Lines, delimiter: str) -> bool:
    """Whether a row over several lines quotes as RFC 4180 says.

    If not, its lines are rather rows that a stray quotation mark runs through.
    """
    if len(lines.record) == 1:
        return True
    try:
        list(csv.reader(lines.record, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _broken(lines: Lines, line: int, error: Exception) -> BrokenRecord:
    if len(lines.record) == 1 and "field limit" in str(error):
        return _too_long(lines, line, f"A value is longer than {MAX_VALUE:,} characters.")
    return _unclosed(lines, line)


def _endless(lines: Lines, line: int, delimiter: str) -> BrokenRecord:
    """Say of a line without an end in sight whether it has too many values, or one that is too long."""
    if _count_values(lines.record, delimiter) > MAX_COLUMNS:
        shown = [lines.record[0][:SHOWN_TEXT]]
        message = f"The row has more than {MAX_COLUMNS:,} values."
        return BrokenRecord(line, shown, "too_many_values", message)
    return _too_long(lines, line, f"The line is longer than {MAX_LINE:,} characters.")


def _count_values(record: list[str], delimiter: str) -> int:
    """Return how many values the beginning of an endless line has; 0 where they cannot be told apart."""
    if len(record) > 1:
        return 0
    try:
        return len(next(csv.reader(record, delimiter=delimiter)))
    except csv.Error:
        return 0


def _too_long(lines: Lines, line: int, message: str) -> BrokenRecord:
    return BrokenRecord(line, [lines.record[-1][:SHOWN_TEXT]], "value_too_long", message)


def _unclosed(lines: Lines, line: int) -> BrokenRecord:
    text = lines.give_back_all_but_first()[:SHOWN_TEXT]
    return BrokenRecord(
        line, [text], "unclosed_quote", "A quotation mark is opened and not closed."
    )

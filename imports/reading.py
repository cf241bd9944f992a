"""A CSV file as records with their line numbers. A broken record costs one line, never the rest."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# A value with more lines than this is a quote that nobody closed.
MAX_RECORD_LINES = 200


@dataclass(frozen=True)
class Record:
    """The values of one row, and the physical line on which it begins."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class BrokenRecord:
    """A line that is no row of this table, and why."""

    line: int
    text: str
    code: str
    message: str


class RunawayRecord(Exception):
    """A record that goes on and on."""


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


def read_header(lines: Lines, delimiter: str) -> list[str]:
    """Return the first row that is not blank, or nothing."""
    reader = csv.reader(lines, delimiter=delimiter)
    for cells in reader:
        lines.begin_record()
        if any(cell.strip() for cell in cells):
            return cells
    return []


def read_records(lines: Lines, delimiter: str, *, width: int) -> Iterator[Record | BrokenRecord]:
    """Yield every row below the header that is not blank; `width` is how many values it must have."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        line = lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, RunawayRecord):
            yield _unclosed(lines, line)
            continue
        if lines.ended_inside or not _is_sound(lines, delimiter):
            yield _unclosed(lines, line)
        elif any(cell.strip() for cell in cells):
            yield _fitted(lines, line, cells, width)


def _fitted(lines: Lines, line: int, cells: list[str], width: int) -> Record | BrokenRecord:
    """Return the row if it has the header's width; blank values too many are no harm."""
    if len(cells) < width:
        code = "too_few_values"
    elif any(cell.strip() for cell in cells[width:]):
        code = "too_many_values"
    else:
        return Record(line, cells[:width])
    message = f"The row has {len(cells)} values, the header has {width}."
    return BrokenRecord(line, "".join(lines.record), code, message)


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


def _unclosed(lines: Lines, line: int) -> BrokenRecord:
    text = lines.give_back_all_but_first()
    return BrokenRecord(line, text, "unclosed_quote", "A quotation mark is opened and not closed.")

"""Rows of one file that are about the same thing: found before anything is written, in memory that stays flat."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from pathlib import Path

from imports.deciding import Outcome, rejected, skipped
from imports.models import CsvBatch
from imports.rows import RowReader
from imports.staging import DUPLICATES_NAME, read_staged, rows_path
from imports.states import Duplicates as Policy
from imports.targets import Issue, Record

SLICE_ROWS = 50_000
READ_ROWS = 5_000
#: A row without a key, which is no duplicate of anything.
NO_KEY = 0


class Duplicates:
    """Which rows of an import give way to which line. Two columns of numbers, in the order of the rows."""

    def __init__(self, numbers: array[int], lines: array[int], *, policy: str, column: str) -> None:
        self._numbers = numbers
        self._lines = lines
        self._policy = policy
        self._column = column

    @classmethod
    def of(cls, batch: CsvBatch) -> Duplicates:
        """Return the duplicates that `find_duplicates` has found."""
        both = array("I")
        both.frombytes(_path(batch).read_bytes())
        column = next(
            (each["heading"] for each in batch.columns if each["field"] == batch.match), ""
        )
        half = len(both) // 2
        return cls(both[:half], both[half:], policy=batch.duplicates, column=column)

    def judge(self, record: Record) -> Outcome | None:
        """Return what becomes of a row that gives way to another; nothing for one that counts."""
        at = bisect_left(self._numbers, record.number)
        if at == len(self._numbers) or self._numbers[at] != record.number:
            return None
        line = self._lines[at]
        if self._policy == Policy.ERROR:
            return rejected(record, self._issue(record, f"Line {line} is about the same one."))
        return skipped(
            record, self._issue(record, f"Line {line} is about the same one and counts.")
        )

    def _issue(self, record: Record, message: str) -> Issue:
        return Issue("duplicate", self._column, record.key, message)


def find_duplicates(batch: CsvBatch, reader: RowReader) -> int:
    """Find the rows that give way to others, and keep them beside the rows; return how many there are.

    Rows are known by 64 bits of a hash of their key, sorted out slice by slice, so that a million of them need
    16 MB and not a dictionary.
    """
    hashes, lines = _hashes(batch, reader)
    slices = batch.total // SLICE_ROWS + 1
    given_way = sorted(
        pair
        for part in range(slices)
        for pair in _in_slice(hashes, lines, part, slices, policy=batch.duplicates)
    )
    numbers = array("I", [number for number, _ in given_way])
    winners = array("I", [line for _, line in given_way])
    passing = _path(batch).with_suffix(".new")
    passing.write_bytes(numbers.tobytes() + winners.tobytes())
    passing.replace(_path(batch))
    return len(given_way)


def _hashes(batch: CsvBatch, reader: RowReader) -> tuple[array[int], array[int]]:
    path = rows_path(batch)
    hashes, lines = array("Q"), array("I")
    offset = 0
    while len(hashes) < batch.total:
        rows, offset = read_staged(path, number=len(hashes) + 1, offset=offset, limit=READ_ROWS)
        for row in rows:
            key, issue = reader.key(row)
            hashes.append(NO_KEY if issue else _hash(key))
            lines.append(row.line)
    return hashes, lines


def _in_slice(
    hashes: array[int], lines: array[int], part: int, slices: int, *, policy: str
) -> list[tuple[int, int]]:
    """Return the rows of one slice that give way, as pairs of row number and the line that counts."""
    seen: dict[int, list[int]] = {}
    for at, value in enumerate(hashes):
        if value != NO_KEY and value % slices == part:
            seen.setdefault(value, []).append(at)
    pairs: list[tuple[int, int]] = []
    for places in seen.values():
        if len(places) > 1:
            pairs += _giving_way(places, lines, policy)
    return pairs


def _giving_way(places: list[int], lines: array[int], policy: str) -> list[tuple[int, int]]:
    first, last = places[0], places[-1]
    if policy == Policy.ERROR:
        return [(at + 1, lines[first if at != first else places[1]]) for at in places]
    winner = first if policy == Policy.FIRST else last
    return [(at + 1, lines[winner]) for at in places if at != winner]


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) or 1


def _path(batch: CsvBatch) -> Path:
    return rows_path(batch).with_name(DUPLICATES_NAME)

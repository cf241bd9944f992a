"""The rows of an import as they were read, one JSON line each: any of them is found again by its offset.

Written once, from the start, by the run that reads the file; everything later seeks in it. So no later step
parses the file again, whatever it was, and a run that is resumed goes on at its row at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pydantic_core import to_json

from core.errors import Refused
from imports.layouts import Layout, too_many_columns
from imports.mapping import headings_of
from imports.reading import MAX_COLUMNS, BrokenRecord, Record, fitted
from imports.storage import batch_folder, gone

MAX_ROWS = 1_000_000
SAMPLE_ROWS = 100
WIDTH_ROWS = 20
ROWS_NAME, SHEET_NAME, DUPLICATES_NAME = "rows.jsonl", "sheet.jsonl", "duplicates.bin"


class StagedRow(NamedTuple):
    """A row as it was read: its cells, or why it is no row of this table."""

    number: int
    offset: int
    line: int
    cells: list[str]
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Staged:
    """What was read of a file."""

    header: list[str]
    sample: list[Any]
    total: int


def stage(records: Iterator[Record | BrokenRecord], layout: Layout, *, path: Path) -> Staged:
    """Write every row below the header; raise Refused where there are none, or too many."""
    header, rest = split(records, layout)
    sample: list[Any] = []
    total = 0
    passing = path.with_suffix(".new")
    with passing.open("wb") as out:
        for record in rest:
            total += 1
            if total > MAX_ROWS:
                raise _too_many()
            row = _as_json(fitted(record, len(header)))
            if total <= SAMPLE_ROWS:
                sample.append(row)
            out.write(to_json(row) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    if not total:
        raise Refused(
            "The file has a header and no rows.",
            field="file",
            remedy="Add the rows.",
            code="no_rows",
        )
    passing.replace(path)
    return Staged(header=header, sample=sample, total=total)


def read_staged(path: Path, *, number: int, offset: int, limit: int) -> tuple[list[StagedRow], int]:
    """Return up to `limit` rows from an offset on, of which the first has this number; and where the next begins."""
    with open_staged(path) as file:
        file.seek(offset)
        lines = [line for line, _ in zip(file, range(limit), strict=False)]
    rows: list[StagedRow] = []
    for line, values in zip(lines, json.loads(b"[" + b",".join(lines) + b"]"), strict=True):
        rows.append(StagedRow(number, offset, *values))
        number += 1
        offset += len(line)
    return rows, offset


def read_at(file: BinaryIO, *, number: int, offset: int) -> StagedRow:
    """Return the row at an offset of an open file."""
    file.seek(offset)
    return StagedRow(number, offset, *json.loads(file.readline()))


def open_staged(path: Path) -> BinaryIO:
    """Open the rows of an import; raise Refused where they are no more."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise gone("rows", path.parent.name) from None


def copy_rows(source: Path, target: Path, offsets: Iterable[int]) -> int:
    """Write the rows at these offsets to another file; return how many."""
    count = 0
    with open_staged(source) as rows, target.with_suffix(".new").open("wb") as out:
        for offset in offsets:
            rows.seek(offset)
            out.write(rows.readline())
            count += 1
        out.flush()
        os.fsync(out.fileno())
    target.with_suffix(".new").replace(target)
    return count


def rows_path(batch: Any) -> Path:
    return batch_folder(batch) / ROWS_NAME


def split(
    records: Iterator[Record | BrokenRecord], layout: Layout
) -> tuple[list[str], Iterable[Record | BrokenRecord]]:
    """Return the headings, and the rows below them; what stands above the header is left out.

    Without a header the columns go by number, as many as the widest of the first rows has.
    """
    if not layout.header_line:
        first = list(islice(records, WIDTH_ROWS))
        width = max((len(each.cells) for each in first if isinstance(each, Record)), default=0)
        return _header([f"column {number}" for number in range(1, width + 1)]), chain(
            first, records
        )
    for record in records:
        if record.line >= layout.header_line and isinstance(record, Record):
            return _header(record.cells), records
    raise Refused("The file holds no rows.", field="file", remedy="Choose another.", code="no_rows")


def _header(cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise too_many_columns(f"{len(cells):,}")
    return headings_of(cells)


def _as_json(record: Record | BrokenRecord) -> list[Any]:
    if isinstance(record, Record):
        return [record.line, record.cells]
    return [record.line, record.cells, record.code, record.message]


def _too_many() -> Refused:
    return Refused(
        f"The file has more than {MAX_ROWS:,} rows.",
        field="file",
        remedy="Split it, and import the parts one after the other.",
        code="too_many_rows",
    )

"""How a file looks when it is read in one way or another, and what is known of its columns; nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from imports import layouts, targets
from imports.mapping import suggest
from imports.models import CsvBatch, StoredFile
from imports.preparing import saved_columns
from imports.reading import BrokenRecord, Record, fitted
from imports.staging import SAMPLE_ROWS, split
from imports.storage import kept
from imports.targets import Target


@dataclass(frozen=True)
class Seen:
    """A file as it is read in one way: its layout, its headings, its first rows."""

    layout: dict[str, Any]
    header: list[str]
    sample: list[Any]


def read_as(file: StoredFile, *, target: Target, overrides: Mapping[str, Any]) -> Seen:
    """Return how a file looks when it is read as somebody says; raise Refused where it cannot be."""
    path = kept(file)
    with TemporaryDirectory() as folder:
        sheet = Path(folder, "sheet")
        layout = layouts.inspect(
            path, file.facts, target=target, overrides=overrides, unpacked=sheet
        )
        source = sheet if layout.kind == layouts.SHEET else path
        with layouts.records_of(source, layout) as records:
            header, rest = split(records, layout)
            sample = [_shown(fitted(each, len(header))) for each in islice(rest, SAMPLE_ROWS)]
    return Seen(layout.as_json(), header, sample)


def known_columns(batch: CsvBatch) -> list[dict[str, Any]]:
    """Return what the columns mean, each with how that is known: said, remembered, or by its heading."""
    target = targets.get(batch.target)
    saved = saved_columns(batch, batch.header)
    suggested = suggest(target, batch.header, saved=saved)
    if len(batch.columns) != len(suggested):
        return suggested
    pairs = zip(suggested, batch.columns, strict=True)
    return [
        guess if guess["field"] == column["field"] else {**guess, **column, "by": "", "note": ""}
        for guess, column in pairs
    ]


def _shown(row: Record | BrokenRecord) -> list[Any]:
    if isinstance(row, Record):
        return [row.line, row.cells]
    return [row.line, row.cells, row.code, row.message]

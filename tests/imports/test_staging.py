"""Rows as they were read are kept as they are, and each is found again at its place."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from imports.layouts import Layout
from imports.people import _overwrite
from imports.reading import Record
from imports.rows import RowReader
from imports.staging import StagedRow, open_staged, read_at, read_staged, stage
from imports.targets import get
from messaging.attributes import clean_text

HEADER = Record(1, ["email", "a", "b"])
texts = st.text(st.characters(codec="utf-8"), max_size=12)
rows_of_cells = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=8)


def staged(folder: str, rows: list[tuple[str, ...]]) -> Path:
    path = Path(folder, "rows.jsonl")
    records = [HEADER, *(Record(at, list(cells)) for at, cells in enumerate(rows, start=2))]
    stage(iter(records), Layout(kind="text", header_line=1), path=path)
    return path


@given(rows_of_cells)
def test_every_row_is_read_back_as_it_was_from_any_place(rows: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        path = staged(folder, rows)

        found, end = read_staged(path, number=1, offset=0, limit=100)

        assert [tuple(row.cells) for row in found] == rows
        assert [(row.number, row.line) for row in found] == [
            (at, at + 1) for at in range(1, len(rows) + 1)
        ]
        assert end == path.stat().st_size
        with open_staged(path) as file:
            assert [read_at(file, number=row.number, offset=row.offset) for row in found] == found


@given(rows_of_cells, st.data())
def test_a_row_that_is_blanked_leaves_every_other_as_it_was(
    rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        path = staged(folder, rows)
        before, end = read_staged(path, number=1, offset=0, limit=100)
        at = data.draw(st.integers(0, len(rows) - 1))
        following = before[at + 1].offset if at + 1 < len(rows) else end

        with path.open("r+b") as file:
            _overwrite(file, before[at], length=following - before[at].offset)

        after, _ = read_staged(path, number=1, offset=0, limit=100)
        assert after[at].cells == ["", "", ""]
        assert [*after[:at], *after[at + 1 :]] == [*before[:at], *before[at + 1 :]]


COLUMNS = [
    {"heading": "email", "field": "email", "blank": "keep"},
    {"heading": "a", "field": "attribute:a", "blank": "keep"},
    {"heading": "b", "field": "attribute:b", "blank": "erase"},
]
BLANK: dict[str, dict[str, Any]] = {"a": {}, "b": {"attribute:b": None}}


@given(st.lists(st.text(max_size=5), min_size=2, max_size=2), st.booleans())
def test_attributes_are_taken_as_each_would_be_by_itself(cells: list[str], is_long: bool) -> None:
    """One search over the whole row finds what one search per cell would."""
    cells = [cell * (1_500 if is_long else 1) for cell in cells]
    reader = RowReader(get("contacts"), COLUMNS, match="email", options={})

    record = reader.read(StagedRow(1, 0, 2, ["a@example.com", *cells]))

    taken, refused = dict[str, Any](), []
    for heading, cell in zip("ab", cells, strict=True):
        try:
            text = clean_text(cell, field=heading, max_length=4_000)
            taken |= {f"attribute:{heading}": text} if text else BLANK[heading]
        except Refused as refusal:
            refused.append(refusal.message)
    assert record.values == {"email": "a@example.com", **taken}
    assert [issue.message for issue in record.issues] == refused

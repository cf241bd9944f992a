"""A broken line costs itself, and every record knows its line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.reading import (
    MAX_LINE,
    MAX_RECORD_LINES,
    MAX_VALUE,
    BrokenRecord,
    Record,
    fitted,
    lines_of,
    read_records,
)


def records(text: str, *, width: int = 2) -> list[Record | BrokenRecord]:
    lines = lines_of(io.StringIO(text, newline=""))
    return [fitted(record, width) for record in read_records(lines, ",")]


def summary(text: str, *, width: int = 2) -> list[tuple[int, object]]:
    return [
        (record.line, record.cells if isinstance(record, Record) else record.code)
        for record in records(text, width=width)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_they_stand_in_the_file(end: str) -> None:
    text = end.join(["a,1", '"two', 'lines",2', "", "b,3"])

    assert summary(text) == [(1, ["a", "1"]), (2, [f"two{end}lines", "2"]), (5, ["b", "3"])]


def test_rows_of_another_width_are_broken_and_the_rest_is_read() -> None:
    assert summary("a\nb,2\nc,3,x\nd,4,,\n") == [
        (1, "too_few_values"),
        (2, ["b", "2"]),
        (3, "too_many_values"),
        (4, ["d", "4"]),
    ]


def test_a_quote_that_is_never_closed_costs_one_line() -> None:
    assert summary('a,1\n"b,2\nc,3\nd,4\n') == [
        (1, ["a", "1"]),
        (2, "unclosed_quote"),
        (3, ["c", "3"]),
        (4, ["d", "4"]),
    ]


def test_a_quote_closed_far_away_costs_one_line() -> None:
    far = "".join(f"x{n},{n}\n" for n in range(MAX_RECORD_LINES))
    found = summary(f'"b,2\n{far}"c",3\n')

    assert found[0] == (1, "unclosed_quote")
    assert found[1:] == [
        *((n + 2, [f"x{n}", str(n)]) for n in range(MAX_RECORD_LINES)),
        (MAX_RECORD_LINES + 2, ["c", "3"]),
    ]


def test_a_stray_quote_does_not_swallow_rows_up_to_the_next() -> None:
    assert summary('"a,1\nb,2\n"c",3\nd,4\n') == [
        (1, "unclosed_quote"),
        (2, ["b", "2"]),
        (3, ["c", "3"]),
        (4, ["d", "4"]),
    ]


def test_a_sound_row_over_several_lines_is_one_row_whatever_its_width() -> None:
    assert summary('"a\nb",1,x\nc,2\n') == [(1, "too_many_values"), (3, ["c", "2"])]


@pytest.mark.parametrize("size", [MAX_VALUE + 1, MAX_LINE + 1, 10 * 1024 * 1024])
def test_a_value_too_large_costs_one_line(size: int) -> None:
    big = "x" * size

    assert summary(f"{big},1\nb,2\n") == [(1, "value_too_long"), (2, ["b", "2"])]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(cells, cells).filter(lambda row: any(cell.strip() for cell in row))))
def test_what_was_written_properly_is_read_back(rows: list[tuple[str, str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)

    read = records(written.getvalue())

    assert [tuple(record.cells) for record in read] == rows

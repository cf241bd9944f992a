"""Files as people really have them: read as they are, or refused with the exact reason."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from core.errors import Refused
from imports.models import CsvBatch
from imports.states import BatchStatus
from messaging.models import Contact

GENERATED = "data/csv/generated"


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "taken", "invalid", "duplicate"),
    [
        ("contacts_2k_cp1252_semicolon.csv", "cp1252", ";", 954, 1_012, 6),
        ("contacts_2k_utf16le_tab.txt", "utf-16", "\t", 621, 1_348, 3),
    ],
)
def test_two_thousand_dirty_rows_are_all_accounted_for(
    imported, shared_data, name, encoding, delimiter, taken, invalid, duplicate
) -> None:
    batch = imported(
        shared_data(f"{GENERATED}/{name}"),
        options={"consent_source": "fair"},
        overrides={"encoding": encoding},
    )

    assert (batch.layout["encoding"], batch.layout["delimiter"]) == (encoding, delimiter)
    assert (batch.total, batch.created, batch.skipped) == (2_000, taken, duplicate)
    codes = batch.rows.filter(status="failed").values_list("error_code", flat=True)
    assert Counter(codes) == {
        "invalid_email": invalid,  # most have letters beyond ASCII before the @
        "no_email": 18,
        "too_few_values": 6,
        "too_many_values": 4,
    }
    assert batch.failed == 2_000 - taken - duplicate
    assert Contact.objects.filter(attributes__company="Müller GmbH").exists()


EXPECTED = {
    "csvkit/dummy.csv": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/dummy.tsv": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/dummy.xls": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/dummy.xlsx": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/sniff_limit.csv": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/optional_quote_characters.csv": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/test_utf8.csv": (["foo", "bar", "baz"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
    "csvkit/test_utf8_bom.csv": (["foo", "bar", "baz"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
    "csvkit/test_utf16_big.csv": (["a", "b", "c"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
    "csvkit/test_utf16_little.csv": (["a", "b", "c"], [["1", "2", "3"], ["4", "5", "ʤ"]]),
    "csvkit/test_latin1.csv": (["a", "b", "c"], [["1", "2", "3"], ["4", "5", "©"]]),
    "csvkit/mac_newlines.csv": (
        ["a", "b", "c"],
        [["1", "2", "3"], ["Once upon\ra time", "5", "6"]],
    ),
    "csvkit/no_header_row.csv": (["column 1", "column 2", "column 3"], [["1", "2", "3"]]),
    "csvkit/test_skip_lines.csv": (["a", "b", "c"], [["1", "2", "3"]]),
    "csvkit/test_header_newline.csv": (["start end", "b", "c"], [["d", "e", "f"]]),
    "csvkit/test_no_leading_zeroes.csv": (["a", "b", "c"], [["01", "00.11", "0.1"]]),
    "csvkit/test_locale.csv": (["a", "b", "c"], [["1,7", "200.000.000", ""]]),
    "csvkit/blanks.csv": (["a", "b", "c", "d", "e", "f"], [["", "NA", "N/A", "NONE", "NULL", "."]]),
    "csvkit/test_extra_header.csv": (["a", "b", "c", "d"], [["1", "2", "3"]]),
    "csvkit/dummy_col_shuffled_ragged.csv": (["b", "c", "a", "d"], [["2", "3", "1", "4"]]),
    "csvkit/test_date_format.csv": (["a"], [["02/01/2014"], ["31/12/2012"]]),
    "csvkit/test_numeric_date_format.csv": (["a"], [["20140102"], ["20121231"]]),
    "csvkit/test_precision.csv": (["a"], [["1.234567"]]),
    "csvkit/test_empty_columns.csv": (["a", "b", "c", "", ""], [["a", "", "", "", ""], None]),
    "calamine/table-multiple.xlsx": (
        ["Item", "Type", "Quantity"],
        [["1", "Apple", "50"], ["2", "Banana", "200"], None],
    ),
    "calamine/issue139.xlsx": (["date"], [["2994626"]]),
    "csvkit/sheets.xlsx": (
        ["text", "date", "integer", "boolean", "float", "datetime", "empty_column", ""],
        None,
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_is_read_as_its_makers_expect(imported, shared_data, name) -> None:
    header, rows = EXPECTED[name]

    batch = imported(shared_data(f"data/csv/{name}"), go="wait")

    assert batch.problem is None
    assert batch.header == header
    found = [cells for _, cells, *_ in batch.sample]
    for read, expected in zip(found, rows or [], strict=False):
        assert expected is None or read == expected
    if rows and None not in rows:
        assert len(found) == len(rows) == batch.total


SPECTRUM = (
    *("comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines"),
    *("newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8"),
)


@pytest.mark.parametrize("name", SPECTRUM)
def test_every_file_of_the_spectrum_is_read_as_its_json_says(imported, shared_data, name) -> None:
    expected = json.loads(shared_data(f"data/csv/csv-spectrum/json/{name}.json").read_text())

    batch = imported(shared_data(f"data/csv/csv-spectrum/csvs/{name}.csv"), go="wait")

    found = [dict(zip(batch.header, cells, strict=True)) for _, cells in batch.sample]
    assert found == ([expected] if isinstance(expected, dict) else expected)


def test_letters_that_were_lost_before_are_pointed_out(imported, shared_data) -> None:
    """Its JSON has another number than the file, so the file itself is what counts."""
    name = "data/csv/csv-spectrum/csvs/location_coordinates.csv"

    batch = imported(shared_data(name), go="wait")

    assert batch.sample[0][1][0] == "2095257564"
    assert batch.layout["notes"] == [
        "2 letters were lost before the file came here; they read \N{REPLACEMENT CHARACTER}."
    ]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("csvkit/dummy.csv.gz", "not_a_table", "compressed"),
        ("csvkit/empty.csv", "no_rows", "no rows"),
        ("csvkit/null_byte.csv", "not_text", "Byte 7 is a NUL"),
        ("calamine/empty_file.xlsx", "empty_file", "is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(imported, shared_data, name, code, words) -> None:
    with pytest.raises(Refused) as refusal:
        imported(shared_data(f"data/csv/{name}"), go="wait")

    assert (refusal.value.code, CsvBatch.objects.count()) == (code, 0)
    assert words in refusal.value.message
    assert refusal.value.remedy


def test_a_workbook_with_a_password_fails_and_says_so(imported, shared_data) -> None:
    batch = imported(shared_data("data/csv/calamine/password.xlsx"))

    assert (batch.status, batch.problem["code"]) == (BatchStatus.FAILED, "password")
    assert batch.problem["message"] == (
        "The workbook cannot be read. It is protected by a password."
    )


@pytest.mark.parametrize("kind", ["xls", "xlsx", "xlsb", "ods"])
def test_every_kind_of_workbook_gives_the_same_rows(imported, shared_data, kind) -> None:
    batch = imported(
        shared_data(f"data/csv/calamine/base.{kind}"), go="wait", overrides={"header_line": 0}
    )

    assert batch.layout["sheet"] == "Sheet1"
    [[line, cells]] = batch.sample
    assert line == 2
    assert cells[:7] == ["String", "1", "1.1", "true", "false", "2010-10-10", "2010-10-10 10:10:10"]


def test_a_sheet_can_be_chosen(imported, shared_data) -> None:
    path = shared_data("data/csv/calamine/table-multiple.xlsx")

    batch = imported(path, go="wait", overrides={"sheet": "Sheet2"})

    assert batch.layout["sheet"] == "Sheet2"


def test_a_sheet_can_be_named_and_hidden_ones_come_last(imported, shared_data) -> None:
    path = shared_data("data/csv/calamine/any_sheets.xlsx")

    first = imported(path, go="wait")
    empty = imported(path, go="wait", overrides={"sheet": "Hidden"})
    third = imported(path, go="wait", overrides={"sheet": "Nowhere"})

    assert (first.layout["sheet"], first.layout["sheets"]) == (
        "Visible",
        ["Visible", "Hidden", "VeryHidden"],
    )
    assert empty.problem["message"] == "The workbook cannot be read. There are no rows in it."
    assert third.problem["message"] == "There is no sheet 'Nowhere'."


@pytest.mark.parametrize(
    ("name", "rows"),
    [("csvkit/realdata/ks_1033_data.csv", 1_575), ("csvkit/realdata/ne_1033_data.xlsx", 1_036)],
)
def test_real_registers_are_read_whole(imported, shared_data, name, rows) -> None:
    batch = imported(shared_data(f"data/csv/{name}"), go="wait")

    assert (batch.total, batch.header[0]) == (rows, "state")

"""Files as people really have them."""

from __future__ import annotations

from collections import Counter

import pytest

from core.errors import Refused
from messaging.models import Contact

GENERATED = "data/csv/generated"


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "created", "invalid", "duplicate"),
    [
        ("contacts_2k_cp1252_semicolon.csv", "cp1252", ";", 954, 1_012, 6),
        ("contacts_2k_utf16le_tab.txt", "utf-16", "\t", 621, 1_348, 3),
    ],
)
def test_two_thousand_dirty_rows_are_all_accounted_for(
    imported, shared_data, name, encoding, delimiter, created, invalid, duplicate
) -> None:
    batch = imported(shared_data(f"{GENERATED}/{name}"), consent_source="fair")

    assert (batch.encoding, batch.delimiter) == (encoding, delimiter)
    assert (batch.total, batch.created, batch.consents_given) == (2_000, created, created)
    codes = batch.rejections.filter(is_whole_row=True).values_list("code", flat=True)
    assert Counter(codes) == {
        "invalid_email": invalid,  # most have letters beyond ASCII before the @
        "duplicate": duplicate,
        "no_email": 18,
        "too_few_values": 6,
        "too_many_values": 4,
    }
    assert batch.rejected == 2_000 - created
    assert Contact.objects.filter(attributes__company="Müller GmbH").exists()


@pytest.mark.parametrize(
    "name",
    [
        "csvkit/bad.csv",
        "csvkit/dummy.csv",
        "csvkit/dummy.csv.gz",
        "csvkit/dummy.xls",
        "csvkit/dummy.xlsx",
        "csvkit/empty.csv",
        "csvkit/null_byte.csv",
        "csvkit/no_header_row.csv",
        "csvkit/test_utf16_big.csv",
        "csvkit/test_latin1.csv",
        "csvkit/realdata/ks_1033_data.csv",
        "csv-spectrum/csvs/quotes_and_newlines.csv",
        "csv-spectrum/csvs/utf8.csv",
        "calamine/password.xlsx",
        "calamine/base.ods",
        "calamine/empty_file.xlsx",
    ],
)
def test_files_without_contacts_are_refused_by_name(imported, shared_data, name) -> None:
    with pytest.raises(Refused) as refusal:
        imported(shared_data(f"data/csv/{name}"))

    assert refusal.value.field == "file"
    assert refusal.value.remedy
    assert Contact.objects.count() == 0

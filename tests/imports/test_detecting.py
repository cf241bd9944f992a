"""A file says what it is, or is refused in words that help."""

from __future__ import annotations

import pytest

from core.errors import Refused
from imports.files import ContactFile
from imports.models import ImportBatch
from messaging.models import Contact

TABLE = "E-mail;Vorname;Größe\nzoë@example.com;Zoë;1,5\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(csv_file, encoding, found, delimiter) -> None:
    text = f"E-mail{delimiter}Name\nzoe@example.com{delimiter}Zoë, “Z”\n"

    file = ContactFile.detect(csv_file(text.encode(encoding)))

    assert (file.encoding, file.delimiter) == (found, delimiter)
    assert file.count_rows() == 1


def test_a_file_with_one_column_is_a_table(csv_file) -> None:
    assert ContactFile.detect(csv_file("email\na@example.com\nb@example.com\n")).count_rows() == 2


def test_a_letter_late_in_the_file_decides_the_encoding(csv_file) -> None:
    rows = "".join(f"a{n}@example.com,x\n" for n in range(80_000))

    file = ContactFile.detect(csv_file(f"email,name\n{rows}z@example.com,Zoë\n".encode("cp1252")))

    assert file.encoding == "cp1252"


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "refused", "is empty"),
        (b"\n\n", "no_email_column", "No column holds"),
        (b"name,town\nThabo,Durban\n", "no_email_column", "name, town"),
        (b"thabo@example.com,Thabo\n", "no_header", "first row holds data"),
        (b"PK\x03\x04rest", "refused", "Excel workbook or a zip"),
        (b"\xd0\xcf\x11\xe0rest", "refused", "old Excel"),
        (b"\x1f\x8brest", "refused", "compressed"),
        (b"email\n\x00\x01\x02\n", "refused", "not text"),
        (b"email\n\x81\x8d\n", "refused", "not text"),
        (b"\xef\xbb\xbfemail\n\xff\n", "refused", "not text"),
        (b"email,name\n", "refused", "no rows"),
    ],
)
def test_what_holds_no_contacts_is_refused_and_nothing_changes(
    imported, content: bytes, code: str, words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        imported(content)

    assert (refusal.value.field, refusal.value.code) == ("file", code)
    assert words in refusal.value.message
    assert refusal.value.remedy
    assert ImportBatch.objects.count() == 0
    assert Contact.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"default_region": "XX"}, "default_region"),
        ({"consent_wording": "Yes"}, "consent_source"),
        ({"consent_source": "x" * 201}, "source"),
    ],
)
def test_bad_options_are_refused_by_name(imported, options, field) -> None:
    with pytest.raises(Refused) as refusal:
        imported("email\na@example.com\n", **options)

    assert refusal.value.field == field
    assert ImportBatch.objects.count() == 0

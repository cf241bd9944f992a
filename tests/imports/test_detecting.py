"""A file says what it is, or is refused in words that help. No name is ever read wrong by a guess."""

from __future__ import annotations

import pytest

from core.errors import Refused
from imports.models import CsvBatch
from imports.states import BatchStatus
from messaging.models import Contact


@pytest.mark.parametrize(
    ("encoding", "found", "by"),
    [
        ("utf-8", "utf-8", "strict"),
        ("utf-8-sig", "utf-8-sig", "bom"),
        ("utf-16", "utf-16", "bom"),
        ("utf-16-le", "utf-16-le", "guess"),
        ("utf-16-be", "utf-16-be", "guess"),
        ("utf-32", "utf-32", "bom"),
        ("cp1252", "cp1252", "guess"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(imported, encoding, found, by, delimiter) -> None:
    text = f"E-mail{delimiter}Name\nzoe@example.com{delimiter}Zoë\n"

    batch = imported(text.encode(encoding), go="wait")

    layout = batch.layout
    assert (layout["encoding"], layout["encoding_by"], layout["delimiter"]) == (
        found,
        by,
        delimiter,
    )
    imported(text.encode(encoding), overrides={"encoding": found})
    assert Contact.objects.get().attributes == {"name": "Zoë"}


def test_a_file_with_one_column_is_a_table(imported) -> None:
    assert imported("email\na@example.com\nb@example.com\n").created == 2


def test_a_letter_late_in_the_file_decides_the_encoding(created, monkeypatch) -> None:
    rows = "".join(f"a{n}@example.com,x\n" for n in range(80_000))

    batch = created(f"email,name\n{rows}z@example.com,Zoë\n".encode("cp1252"))

    assert batch.file.facts["utf_8"] is False
    assert batch.file.facts["cp1252"] is True


NAMES = {
    "cp1250": "Łukasz Przybył, Żaneta Gęś, Grażyna Wójcik, Paweł Śliwiński",
    "mac-roman": "José Muñoz, Müller Jürgen, Björn Håkansson, Zoë Brontë, François Çelik",
    "cp850": "José Muñoz, Müller Jürgen, Björn Håkansson, Zoë Brontë",
    "cp1251": "Дмитрий Иванов, Ольга Петрова",
    "gb18030": "王芳, 李伟",
    "shift-jis": "山田太郎, 鈴木花子",
}


@pytest.mark.parametrize("encoding", NAMES)
def test_names_in_another_encoding_are_never_read_wrong(imported, encoding) -> None:
    """Either the reader knows that it does not know, or it reads every letter as it was written."""
    people = NAMES[encoding].split(", ")
    rows = "".join(f"p{n}@example.com,{name}\n" for n, name in enumerate(people))

    batch = imported(f"email,name\n{rows}".encode(encoding), go="wait")

    assert (batch.status, batch.problem["code"]) == (BatchStatus.FAILED, "encoding_unknown")
    assert batch.problem["field"] == "encoding"
    with pytest.raises(Refused, match="would be read wrong"):
        imported(f"email,name\n{rows}".encode(encoding))
    assert Contact.objects.count() == 0

    imported(f"email,name\n{rows}".encode(encoding), overrides={"encoding": encoding})
    found = Contact.objects.order_by("email").values_list("attributes__name", flat=True)
    assert list(found) == people


def test_names_that_two_encodings_fit_are_not_imported_by_a_guess(imported) -> None:
    content = "email,name\na@example.com,Jiří Dvořák\n".encode("cp1250")

    with pytest.raises(Refused, match="which is a guess"):
        imported(content)
    assert not Contact.objects.exists()

    batch = imported(content, go="wait")
    assert "The encoding is a guess" in batch.layout["notes"][0]


@pytest.mark.parametrize(
    "text", ["Siân O’Brien – “quoted” Müller", "50 % of £100 §3", "1º andar, señor Peña", "naïve…"]
)
def test_everyday_western_text_is_read_once_somebody_agrees(imported, text) -> None:
    content = f'email,name\na@example.com,"{text}"\n'.encode("cp1252")

    with pytest.raises(Refused, match="which is a guess") as refusal:
        imported(content)
    assert (refusal.value.field, refusal.value.value) == ("encoding", "cp1252")
    assert not Contact.objects.exists()

    imported(content, overrides={"encoding": "cp1252"})
    assert Contact.objects.get().attributes == {"name": text}


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty_file", "is empty"),
        (b"\n\n", "no_rows", "holds no rows"),
        (b"name,town\nThabo,Durban\n", "no_email_column", "name, town"),
        (b"thabo@example.com,Thabo\n", "no_email_column", "column 1, column 2"),
        (b"\x1f\x8brest", "not_a_table", "compressed"),
        (b"%PDF-1.7", "not_a_table", "a PDF"),
        (b"<html><table>", "not_a_table", "a web page"),
        (b"email\n\x00\x01\x02\n", "not_text", "Byte 7 is a NUL"),
        (b"email\n\x81\x8d\n", "encoding_unknown", "not UTF-8"),
        (b"\xef\xbb\xbfemail\n\xff\n", "not_text", "not text"),
        (b"email,name\n", "no_rows", "no rows"),
        (b"email" + b",x" * 1_000 + b"\na@example.com\n", "too_many_columns", "1,001 columns"),
        (b"a," * 1_000_000 + b"email\n", "too_many_columns", "more than 1,000 columns"),
        (b"x" * 10_000_000 + b"\n", "no_rows", "longer than"),
    ],
)
def test_what_holds_no_contacts_is_refused_and_nothing_changes(
    imported, content: bytes, code: str, words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        imported(content)

    assert refusal.value.code == code
    assert words in refusal.value.message
    assert refusal.value.field
    assert refusal.value.remedy
    assert CsvBatch.objects.count() == 0
    assert Contact.objects.count() == 0


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"options": {"default_region": "XX"}}, "default_region"),
        ({"options": {"consent_wording": "Yes"}}, "consent_source"),
        ({"options": {"consent_source": "x" * 201}}, "source"),
        ({"options": {"consent_source": "x", "consent_channels": []}}, "consent_channels"),
        ({"options": {"consent_channels": ["fax"]}}, "consent_channels"),
        ({"options": {"colour": "red"}}, "colour"),
        ({"mode": "replace"}, "mode"),
        ({"match": "last_name"}, "match"),
        ({"duplicates": "both"}, "duplicates"),
        ({"bad_values": "keep"}, "bad_values"),
        ({"go": "home"}, "go"),
        ({"target": "cats"}, "target"),
        ({"overrides": {"encoding": "klingon"}}, "encoding"),
        ({"overrides": {"encoding": "base64"}}, "encoding"),
        ({"overrides": {"delimiter": "::"}}, "delimiter"),
        ({"overrides": {"header_line": -1}}, "header_line"),
        ({"overrides": {"header_line": 9}}, "header_line"),
        ({"overrides": {"font": "Comic"}}, "font"),
    ],
)
def test_bad_settings_are_refused_by_name(imported, said, field) -> None:
    with pytest.raises(Refused) as refusal:
        imported("email\na@example.com\n", **said)

    assert refusal.value.field == field
    assert refusal.value.remedy
    assert CsvBatch.objects.count() == 0


def test_junk_above_the_header_and_a_note_of_the_delimiter_are_passed_over(imported) -> None:
    imported("Members of 2026\n\n;;\nE-mail;Town\na@example.com;Durban\n")
    imported("sep=|\nE-mail|Town\nb@example.com|Paarl\n")

    assert sorted(Contact.objects.values_list("email", "attributes__town")) == [
        ("a@example.com", "Durban"),
        ("b@example.com", "Paarl"),
    ]


def test_every_guess_can_be_overruled(imported) -> None:
    text = "a|b|c;x\nnoise;noise\nzoe@example.com;Zoë\n".encode("mac-roman")
    overrides = {"encoding": "mac-roman", "delimiter": ";", "header_line": 0}
    columns = [{"field": "email"}, {"field": "first_name"}]

    batch = imported(text, overrides=overrides, columns=columns)

    assert (batch.header, batch.total) == (["column 1", "column 2"], 3)
    assert (batch.created, batch.failed) == (1, 2)
    assert Contact.objects.get().first_name == "Zoë"

"""Files that mean harm, or are merely absurd: a clear answer, bounded memory, and nothing half-imported."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from core.errors import Refused
from imports import sheets, staging, storage
from imports.actions import store_upload
from imports.models import CsvBatch, StoredFile
from imports.states import BatchStatus
from imports.storage import clean_name
from messaging.models import Contact


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("people.csv", "people.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\anna\\people.csv", "people.csv"),
        ("/", "file"),
        ("..", "file"),
        ("peo\u202eple\x00\n.csv", "people.csv"),
        ("x" * 300 + ".csv", "x" * 251 + ".csv"),
    ],
)
def test_a_name_is_only_shown_and_never_a_path(created, var_dir, given, shown) -> None:
    assert clean_name(given) == shown

    batch = created("email\na@example.com\n", file_name=given)

    assert batch.file_name == shown
    assert {path.name for path in (var_dir / "imports").iterdir()} == {batch.file.sha256}


def test_too_large_a_file_is_refused_on_the_way_and_leaves_nothing(
    db, var_dir, monkeypatch
) -> None:
    monkeypatch.setattr(storage, "MAX_BYTES", 1024)

    with pytest.raises(Refused, match="larger than"):
        store_upload([b"x" * 1_000, b"x" * 1_000])

    assert list((var_dir / "imports").iterdir()) == []
    assert StoredFile.objects.count() == 0


def test_an_upload_that_breaks_off_leaves_nothing(db, var_dir) -> None:
    def broken_off():
        yield b"email\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store_upload(broken_off())

    assert list((var_dir / "imports").iterdir()) == []


MEGABYTE = 1024 * 1024


@pytest.fixture
def waits(db, monkeypatch) -> list[int]:
    """After how many megabytes an upload has waited for the disk."""
    found: list[int] = []

    wait = os.fdatasync

    def noted(descriptor: int) -> None:
        found.append(os.fstat(descriptor).st_size // MEGABYTE)
        wait(descriptor)

    monkeypatch.setattr(os, "fdatasync", noted)
    return found


def test_an_upload_is_brought_to_the_disk_on_its_way(var_dir, waits) -> None:
    """Never are more bytes left for its end than fit in the last waiting."""
    store_upload(bytes(MEGABYTE) for _ in range(20))

    assert waits == [8, 16]


def test_near_its_announced_end_an_upload_waits_no_more_but_once(var_dir, waits) -> None:
    with storage.Incoming(announced=40 * MEGABYTE) as incoming:
        for _ in range(40):
            incoming.write(bytes(MEGABYTE))
        incoming.keep()

    assert waits == [8, 16]


def test_the_same_bytes_are_kept_once_and_recognised(created, var_dir) -> None:
    first = created("email\na@example.com\n")
    second = created("email\na@example.com\n", file_name="again.csv")

    assert second.file == first.file
    assert [path.name for path in (var_dir / "imports").iterdir()] == [first.file.sha256]
    assert storage.earlier_batches(first.file) == [second, first]


def test_too_many_rows_are_refused(imported, monkeypatch) -> None:
    monkeypatch.setattr(staging, "MAX_ROWS", 3)

    batch = imported("email\n" + "".join(f"p{n}@example.com\n" for n in range(4)))

    assert (batch.status, batch.problem["code"]) == (BatchStatus.FAILED, "too_many_rows")
    assert (batch.total, Contact.objects.count()) == (0, 0)


def test_a_value_of_ten_megabytes_costs_its_row(imported) -> None:
    batch = imported(f"email,note\na@example.com,{'x' * 10_000_000}\nb@example.com,fine\n")

    [row] = batch.rows.failed()
    assert (row.line, row.error_code) == (2, "value_too_long")
    assert "longer than 1,048,576 characters" in row.error_message
    assert Contact.objects.get().email == "b@example.com"


def workbook(path: Path, cells: str, *, extra: bytes = b"") -> Path:
    """Write the smallest workbook that holds these cells."""
    content = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{content}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{content}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{content}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        if extra:
            archive.writestr("xl/media/filler.bin", extra)
    return path


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


PEOPLE = row(2, cell("A2", "email")) + row(3, cell("A3", "a@example.com"))


def test_a_small_workbook_is_read_with_the_rows_numbers_of_its_sheet(imported, tmp_path) -> None:
    batch = imported(workbook(tmp_path / "people.xlsx", PEOPLE))

    assert (batch.layout["sheet"], batch.created) == ("People", 1)
    assert batch.rows.get().line == 3


def test_an_archive_that_says_it_bursts_is_not_opened(imported, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 1_000_000)
    path = workbook(tmp_path / "bomb.xlsx", PEOPLE, extra=bytes(5_000_000))
    assert path.stat().st_size < 20_000

    batch = imported(path)

    assert (batch.status, batch.problem["code"]) == (BatchStatus.FAILED, "zip_bomb")
    assert "would unpack to" in batch.problem["message"]


def test_a_sheet_of_a_million_columns_is_refused(imported, tmp_path) -> None:
    path = workbook(tmp_path / "wide.xlsx", row(1, cell("A1", "email"), cell("XFD1", "far away")))

    batch = imported(path)

    assert batch.problem["code"] == "too_many_columns"
    assert "16,384 columns; 1,000 are the most" in batch.problem["message"]


def test_a_sheet_that_spans_everything_bursts_in_its_own_process_alone(imported, tmp_path) -> None:
    cells = row(1, cell("A1", "email")) + row(1_048_576, cell("XFD1048576", "far away"))

    batch = imported(workbook(tmp_path / "vast.xlsx", cells))

    assert batch.status == BatchStatus.FAILED
    assert batch.problem["code"] in ("too_large", "too_many_columns")
    assert Contact.objects.count() == 0


@pytest.mark.parametrize("content", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest"])
def test_a_damaged_workbook_fails_and_says_so(imported, content) -> None:
    batch = imported(content)

    assert (batch.status, batch.problem["code"]) == (BatchStatus.FAILED, "not_a_workbook")
    assert batch.problem["remedy"]


def test_a_plain_archive_is_no_workbook(imported, tmp_path) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", "email\na@example.com\n")

    batch = imported(path)

    assert batch.problem["code"] == "not_a_workbook"
    assert CsvBatch.objects.get().total == 0

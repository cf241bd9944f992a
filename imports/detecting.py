"""What kind of text a file is: its encoding, and what stands between its values."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

from core.errors import Refused
from imports.columns import has_email_column

DELIMITERS = ",;\t|"
SAMPLE_LETTERS = 64 * 1024
SAMPLE_ROWS = 20
PIECE = 1024 * 1024
MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}
SAVE_AS_CSV = "Save it as CSV in UTF-8, and import that."


def detect_encoding(path: Path) -> str:
    """Return the encoding in which the whole file is text; raise Refused for what is none.

    A byte order mark decides. Without one it is UTF-8 if every byte fits, else Windows' cp1252:
    freer guessing is known to corrupt names.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise Refused("The file is empty.", field="file", remedy="Choose the file with the rows.")
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            raise Refused(f"The file is {kind}, not CSV.", field="file", remedy=SAVE_AS_CSV)
    for encoding in _candidates(head):
        if _is_text(path, encoding):
            return encoding
    raise Refused("The file is not text.", field="file", remedy=SAVE_AS_CSV)


def detect_delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter under which the file looks most like a table with an e-mail column."""
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(SAMPLE_LETTERS)
    return max(DELIMITERS, key=lambda delimiter: _likelihood(sample, delimiter))


def _candidates(head: bytes) -> tuple[str, ...]:
    if head.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8", "cp1252")


def _is_text(path: Path, encoding: str) -> bool:
    """Whether the whole file decodes, and holds none of the NULs that binary files are full of."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            while piece := file.read(PIECE):
                if "\0" in piece:
                    return False
    except UnicodeDecodeError:
        return False
    return True


def _likelihood(sample: str, delimiter: str) -> tuple[bool, int, int]:
    rows = [row for row in _first_rows(sample, delimiter) if row]
    if not rows:
        return (False, 0, 0)
    width = len(rows[0])
    alike = sum(len(row) == width for row in rows) if width > 1 else 0
    return (has_email_column(rows[0]), alike, width)


def _first_rows(sample: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # what could be read until there still tells
    return rows

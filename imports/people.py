"""One person's traces in imports: what is told to them, and what is forgotten with them.

Their rows are found by what they became, and in files by the keyed hash of each address in them: an erased person's
addresses are known by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, BinaryIO

from pydantic_core import to_json

from core.errors import Refused
from imports.models import CsvBatch, CsvRow, SavedMapping
from imports.staging import StagedRow, open_staged, read_at, rows_path
from messaging.addresses import address_hash, normalise_email, normalise_phone
from messaging.models import Contact

EMAIL_LIKE = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
#: Fewer digits are no telephone number anywhere.
FEWEST_DIGITS = 7
ERASED = "(erased)"


class Wanted:
    """Whom a text is about, told by keyed hashes of addresses."""

    def __init__(self, hashes: Iterable[str], *, region: str = "") -> None:
        self._hashes = frozenset(filter(None, hashes))
        self._region = region

    def is_in(self, value: Any) -> bool:
        """Whether one of their addresses stands anywhere in a text, or in lists and objects of texts."""
        if isinstance(value, str):
            return any(self._is_theirs(found) for found in _candidates(value))
        if isinstance(value, dict):
            value = [*value.keys(), *value.values()]
        return isinstance(value, list | tuple) and any(map(self.is_in, value))

    def without(self, value: Any) -> Any:
        """Return the same with each text that names them struck out."""
        if isinstance(value, str):
            return ERASED if self.is_in(value) else value
        if isinstance(value, dict):
            return {name: self.without(each) for name, each in value.items()}
        return [self.without(each) for each in value] if isinstance(value, list) else value

    def _is_theirs(self, text: str) -> bool:
        try:
            address = (
                normalise_email(text) if "@" in text else normalise_phone(text, region=self._region)
            )
        except Refused:
            return False
        return address_hash(address) in self._hashes


def told_of(contact: Contact) -> list[dict[str, Any]]:
    """Return the rows of files that were about a person, with their cells while those are kept."""
    rows = CsvRow.objects.filter(object_id=contact.public_id).select_related("batch")
    return [_told(row) for row in rows.order_by("batch_id", "number")]


def blank_rows_of(contact_id: str) -> int:
    """Forget what stood in a person's rows before, and what was said of them; return how many rows there are."""
    return CsvRow.objects.filter(object_id=contact_id).forget()


def forget_in(batch: CsvBatch, wanted: Wanted) -> int:
    """Forget a person in an import: their rows as they were read, and what is shown of them; return how many rows.

    Lines keep their places, so that every other row is still found; again, nothing is left to be found.
    """
    numbers = _blank_staged(batch, wanted)
    for first in range(0, len(numbers), 1_000):
        batch.rows.filter(number__in=numbers[first : first + 1_000]).forget()
    CsvBatch.objects.filter(pk=batch.pk).update(**_shown_without(batch, wanted))
    return len(numbers)


def forget_mappings(wanted: Wanted) -> None:
    """Strike a person out of remembered headings: a file without headings may have had them there."""
    for saved in SavedMapping.objects.all():
        columns = wanted.without(saved.columns)
        if columns != saved.columns:
            SavedMapping.objects.filter(pk=saved.pk).update(columns=columns)


def _told(row: CsvRow) -> dict[str, Any]:
    return {
        "file": row.batch.file_name,
        "imported_at": row.batch.started_at,
        "line": row.line,
        "status": row.status,
        "effect": row.effect,
        "cells": _cells(row),
        "before": row.before,
        "problem": row.error_message,
        "answer": row.answer,
    }


def _cells(row: CsvRow) -> list[dict[str, str]] | None:
    """Return a row as it stood in the file, heading by heading; None once that is deleted."""
    if row.batch.forgotten_at is not None:
        return None
    try:
        with open_staged(rows_path(row.batch)) as file:
            cells = read_at(file, number=row.number, offset=row.offset).cells
    except Refused:
        return None
    names = row.batch.header + [""] * (len(cells) - len(row.batch.header))
    return [{"heading": n, "cell": c} for n, c in zip(names, cells, strict=False)]


def _candidates(text: str) -> list[str]:
    """Return what in a text may be an address: each e-mail address, or the whole as a number."""
    if "@" in text:
        return EMAIL_LIKE.findall(text)
    return [text] if sum(map(str.isdigit, text)) >= FEWEST_DIGITS else []


def _blank_staged(batch: CsvBatch, wanted: Wanted) -> list[int]:
    """Empty the cells of their rows where these are kept; return the numbers of the rows."""
    path = rows_path(batch)
    if not path.is_file():
        return []
    numbers: list[int] = []
    with path.open("r+b") as file:
        offset = 0
        for number in range(1, batch.total + 1):
            row = read_at(file, number=number, offset=offset)
            following = file.tell()
            if wanted.is_in(row.cells):
                _overwrite(file, row, length=following - offset)
                numbers.append(number)
            offset = following
    return numbers


def _overwrite(file: BinaryIO, row: StagedRow, *, length: int) -> None:
    """Write a row without its cells over itself, as long as it was."""
    why = [row.code, row.message] if row.code else []
    text = to_json([row.line, [""] * len(row.cells), *why])
    file.seek(row.offset)
    file.write(text.ljust(length - 1) + b"\n")


def _shown_without(batch: CsvBatch, wanted: Wanted) -> dict[str, Any]:
    """Return what an import's page shows of its file, without a person."""
    checked = batch.check_result
    if checked:
        checked = {
            **checked,
            "diffs": [each for each in checked["diffs"] if not wanted.is_in(each)],
            "issues": [each for each in checked["issues"] if not wanted.is_in(each)],
        }
    return {
        "sample": [each for each in batch.sample if not wanted.is_in(each)],
        "check_result": checked,
        "header": wanted.without(batch.header),
        "columns": wanted.without(batch.columns),
        "problem": wanted.without(batch.problem),
    }

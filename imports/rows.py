"""One row becomes a record: its cells parsed by what its columns mean, or the reason why it is rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.api.parsing import is_storable
from core.errors import Refused
from imports.staging import StagedRow
from imports.states import BadValues, Blank
from imports.targets import ATTRIBUTE, Field, Issue, Record, Target
from messaging.attributes import clean_text

BLANKS = frozenset({"", "-", "n/a", "na", "none", "null"})
ATTRIBUTE_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class _Column:
    position: int
    heading: str
    name: str
    field: Field | None
    erases: bool


class RowReader:
    """Reads rows of one import."""

    def __init__(
        self,
        target: Target,
        columns: list[dict[str, Any]],
        *,
        match: str,
        options: Mapping[str, Any],
        bad_values: str = BadValues.LEAVE_OUT,
        was_escaped: bool = False,
    ) -> None:
        used = [_column(target, at, each) for at, each in enumerate(columns) if each["field"]]
        [self._key] = [column for column in used if column.name == match]
        self._others = [column for column in used if column.name != match]
        self._options = options
        self._rejects = bad_values == BadValues.REJECT
        self._was_escaped = was_escaped

    def read(self, row: StagedRow) -> Record:
        """Return what a row says; `fatal` is set where it says nothing that can be used."""
        record = Record(row.number, row.line, row.offset)
        if row.code:
            record.fatal = Issue(row.code, "", ",".join(row.cells).strip(), row.message)
            return record
        record.key, record.fatal = self.key(row)
        if record.fatal is None:
            record.values[self._key.name] = record.key
            self._take_others(row, record)
        return record

    def key(self, row: StagedRow) -> tuple[str, Issue | None]:
        """Return which thing a row is about, in its one spelling; or why that cannot be told."""
        column = self._key
        if row.code:
            return "", Issue(row.code, "", "", row.message)
        cell = self._cell(row, column)
        assert column.field is not None
        if _is_blank(cell):
            message = f"The row has no {column.field.label}."
            return "", Issue(f"no_{column.name}", column.heading, cell, message)
        try:
            return str(column.field.parse(cell, self._options)), None
        except Refused as refusal:
            return "", Issue(f"invalid_{column.name}", column.heading, cell, refusal.message)

    def _take_others(self, row: StagedRow, record: Record) -> None:
        """Take every column but the key's. One search tells of all plain texts together whether they can be kept."""
        are_storable = is_storable("".join(row.cells))
        for column in self._others:
            cell = self._cell(row, column)
            text = cell.strip()
            if text.lower() in BLANKS if column.field else not text:
                if column.erases:
                    record.values[column.name] = column.field.empty if column.field else None
            elif column.field or not are_storable or len(text) > ATTRIBUTE_LENGTH:
                self._parse(column, cell, record)
            else:
                record.values[column.name] = text

    def _parse(self, column: _Column, cell: str, record: Record) -> None:
        try:
            record.values[column.name] = (
                column.field.parse(cell, self._options)
                if column.field
                else clean_text(cell, field=column.heading, max_length=ATTRIBUTE_LENGTH)
            )
        except Refused as refusal:
            name = column.name.removeprefix(ATTRIBUTE) if column.field else "attribute"
            issue = Issue(f"invalid_{name}", column.heading, cell, refusal.message)
            if self._rejects:
                record.fatal = record.fatal or issue
            else:
                record.issues.append(issue)

    def _cell(self, row: StagedRow, column: _Column) -> str:
        cell = row.cells[column.position]
        return unescaped(cell) if self._was_escaped else cell


#: What makes a spreadsheet program take a cell for a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def escaped(cell: str) -> str:
    """Return a cell that no spreadsheet program takes for a formula; `unescaped` gives it back."""
    bare = cell.lstrip("'")
    return f"'{cell}" if bare.startswith(FORMULA_STARTS) else cell


def unescaped(cell: str) -> str:
    """Return a cell of one of our error files as it stood in the file before."""
    return (
        cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS) else cell
    )


def _column(target: Target, position: int, column: dict[str, Any]) -> _Column:
    name = column["field"]
    erases = column["blank"] == Blank.ERASE
    return _Column(position, column["heading"], name, target.field(name), erases)


def _is_blank(cell: str) -> bool:
    return cell.strip().lower() in BLANKS

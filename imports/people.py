"""One row becomes one person, or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.errors import Refused
from imports.columns import Column
from imports.reading import BrokenRecord, Record
from messaging.addresses import normalise_email, normalise_phone, normalise_time_zone
from messaging.attributes import TEXT_LENGTHS, clean_text

BLANKS = {"", "-", "n/a", "na", "none", "null"}


@dataclass
class Person:
    """What a row says about somebody, normalised. Empty means that it says nothing."""

    line: int
    email: str
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    time_zone: str = ""
    locale: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Issue:
    """A row not imported (`is_whole_row`), or a value left out of one that was."""

    line: int
    column: str
    code: str
    value: str
    message: str
    is_whole_row: bool = False


@dataclass
class Chunk:
    """Some rows in the order of the file, read and ready to be written."""

    people: list[Person] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    row_count: int = 0


class PersonReader:
    """Turns records into people; of rows with the same address the first in the file wins."""

    def __init__(self, columns: list[Column], *, region: str) -> None:
        self.columns = columns
        self.region = region
        self.lines_by_email: dict[str, int] = {}
        self.email_position = next(
            position for position, column in enumerate(columns) if column.target == "email"
        )

    def read(self, record: Record | BrokenRecord, chunk: Chunk) -> None:
        """Add what a record says to a chunk."""
        chunk.row_count += 1
        if isinstance(record, BrokenRecord):
            chunk.issues.append(
                Issue(record.line, "", record.code, record.text, record.message, is_whole_row=True)
            )
            return
        try:
            email = self._email_of(record)
        except Refused as refusal:
            chunk.issues.append(self._row_issue(record, refusal))
            return
        chunk.people.append(self._person(record, email, chunk.issues))

    def _email_of(self, record: Record) -> str:
        written = record.cells[self.email_position]
        if _is_blank(written):
            raise Refused("The row has no e-mail address.", value=written, code="no_email")
        try:
            email = normalise_email(written)
        except Refused as refusal:
            raise Refused(refusal.message, value=written, code="invalid_email") from None
        first = self.lines_by_email.setdefault(email, record.line)
        if first != record.line:
            raise Refused(
                f"Line {first} has the same address and was taken.", value=written, code="duplicate"
            )
        return email

    def _person(self, record: Record, email: str, issues: list[Issue]) -> Person:
        person = Person(record.line, email)
        for column, cell in zip(self.columns, record.cells, strict=True):
            if column.target == "email" or not cell or cell.isspace():
                continue
            try:
                self._take(person, column, cell)
            except Refused as refusal:
                issues.append(
                    Issue(
                        record.line,
                        column.heading,
                        f"invalid_{refusal.field}",
                        cell,
                        refusal.message,
                    )
                )
        return person

    def _take(self, person: Person, column: Column, cell: str) -> None:
        if column.is_attribute:
            attribute = {column.target: clean_text(cell, field="attribute", max_length=4_000)}
            person.attributes.update(attribute)
        elif not _is_blank(cell):
            setattr(person, column.target, self._field(column.target, cell))

    def _field(self, name: str, cell: str) -> str:
        if name == "phone":
            return normalise_phone(cell, region=self.region)
        if name == "time_zone":
            return normalise_time_zone(cell)
        return clean_text(cell, field=name, max_length=TEXT_LENGTHS[name])

    def _row_issue(self, record: Record, refusal: Refused) -> Issue:
        return Issue(
            record.line,
            self.columns[self.email_position].heading,
            refusal.code,
            str(refusal.value),
            refusal.message,
            is_whole_row=True,
        )


def _is_blank(cell: str) -> bool:
    return cell.strip().lower() in BLANKS

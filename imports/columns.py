"""What the columns of a file mean: known fields of a contact, or attributes by their heading."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Refused
from messaging.attributes import attribute_name

NAMES = {
    "email": "email e_mail mail email_address e_mail_address",
    "first_name": "first_name firstname given_name forename",
    "last_name": "last_name lastname surname family_name",
    "phone": "phone phone_number telephone mobile mobile_number mobile_phone cell cellphone",
    "time_zone": "time_zone timezone tz",
    "locale": "locale",
}
FIELDS = {name: field for field, names in NAMES.items() for name in names.split()}


@dataclass(frozen=True)
class Column:
    """One column: where its values go, and what the file calls it."""

    heading: str
    target: str
    is_attribute: bool


def columns_of(header: list[str]) -> list[Column]:
    """Return what each column means; raise Refused where none holds e-mail addresses.

    The first column of a meaning wins; later ones become attributes, so that nothing is lost.
    """
    columns: list[Column] = []
    taken: set[str] = set()
    for position, heading in enumerate(header, start=1):
        column = _column(heading.strip(), position, taken)
        taken.add(column.target)
        columns.append(column)
    if "email" not in taken:
        raise _no_email_column(header)
    return columns


def has_email_column(header: list[str]) -> bool:
    """Whether a row looks like the headings of a contact file."""
    return any(FIELDS.get(attribute_name(heading)) == "email" for heading in header)


def _column(heading: str, position: int, taken: set[str]) -> Column:
    name = attribute_name(heading) if any(map(str.isalnum, heading)) else f"column_{position}"
    field = FIELDS.get(name)
    if field and field not in taken:
        return Column(heading, field, is_attribute=False)
    target, number = name, 2
    while target in taken or target in NAMES:
        target, number = f"{name}_{number}", number + 1
    return Column(heading or f"column {position}", target, is_attribute=True)


def _no_email_column(header: list[str]) -> Refused:
    found = [heading.strip() for heading in header]
    if any("@" in heading for heading in found):
        return Refused(
            "The first row holds data, not the names of the columns.",
            field="file",
            remedy="Put a row of names above it, such as Email, First name, Last name.",
            code="no_header",
        )
    return Refused(
        f"No column holds e-mail addresses. The columns are: {', '.join(found)[:300]}.",
        field="file",
        value=found,
        remedy=f"Name one of: {', '.join(NAMES['email'].split())}.",
        code="no_email_column",
    )

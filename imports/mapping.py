"""What the columns of a file mean: suggested by name, remembered, said by a person. Always by position."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from core.errors import Refused
from imports.states import Blank
from imports.targets import ATTRIBUTE, Target
from messaging.attributes import NAME, attribute_name

#: Columns that our own error files add; nobody wants to import them.
ERROR_COLUMNS = ("_error_line", "_error_column", "_error_code", "_error")

Columns = list[dict[str, Any]]


def known_names(target: Target) -> frozenset[str]:
    """Return every heading that a target's fields are known by."""
    return frozenset().union(*(field.names for field in target.fields))


def suggest(target: Target, header: Sequence[str], *, saved: Columns | None = None) -> Columns:
    """Return what each column probably means.

    `by` says how we know: `saved` (a file with these headings was mapped before), `name`, or nothing. The first
    column of a meaning wins; a later one, or one without a known name, becomes an attribute where the
    target takes those, so that nothing is lost, and is left out otherwise.
    """
    if saved and len(saved) == len(header):
        return [{**each, "by": "saved", "note": ""} for each in saved]
    taken: set[str] = set()
    return [_suggested(target, heading, at, taken) for at, heading in enumerate(header, start=1)]


def chosen(columns: Columns) -> Columns:
    """Return columns as they are kept: without how we came by them."""
    return [
        {"heading": each["heading"], "field": each["field"], "blank": each.get("blank", Blank.KEEP)}
        for each in columns
    ]


def check_columns(
    target: Target, columns: Sequence[Any], header: Sequence[str], *, match: str
) -> Columns:
    """Return columns as they are kept; raise Refused where they do not fit the file or the target."""
    if len(columns) != len(header):
        raise Refused(
            f"The file has {len(header)} columns, and {len(columns)} are described.",
            field="columns",
            value=len(columns),
            remedy="Say of each column, in their order, what it means; an empty field leaves it out.",
        )
    checked = [
        _checked(target, column, heading) for column, heading in zip(columns, header, strict=True)
    ]
    fields = [column["field"] for column in checked if column["field"]]
    twice = next((name for name in fields if fields.count(name) > 1), None)
    if twice:
        headings = [each["heading"] for each in checked if each["field"] == twice]
        raise Refused(
            f"Two columns would become {twice!r}: {', '.join(map(repr, headings))}.",
            field="columns",
            value=twice,
            remedy="Keep one of them, and give the other another field, or none.",
        )
    require_key(target, checked, match=match)
    return checked


def require_key(target: Target, columns: Columns, *, match: str) -> None:
    """Refuse columns of which none says which thing a row is about."""
    if any(column["field"] == match for column in columns):
        return
    field = target.field(match)
    assert field is not None
    headings = [column["heading"] for column in columns]
    if any("@" in heading for heading in headings):
        raise Refused(
            "The first row holds data, not the names of the columns.",
            field="file",
            remedy="Put a row of names above it, such as Email, First name, Last name.",
            code="no_header",
        )
    raise Refused(
        f"No column holds the {field.label} by which rows are matched."
        f" The columns are: {', '.join(headings)[:300]}.",
        field="columns",
        value=headings,
        remedy=f"Name one of: {', '.join(sorted(field.names))}; or say which column it is.",
        code=f"no_{match}_column",
    )


def fingerprint(header: Sequence[str]) -> str:
    """Return what files with the same headings, in the same order, have in common."""
    names = [heading.strip().lower() for heading in header]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def headings_of(cells: Sequence[str]) -> list[str]:
    """Return the headings of a header row, as they are shown and kept."""
    return [" ".join(cell.split())[:200] for cell in cells]


def field_choices(target: Target) -> list[tuple[str, str]]:
    """Return what a column can become, for a person to choose from."""
    return [("", "Leave out"), *((field.name, field.label) for field in target.fields)]


def _suggested(target: Target, heading: str, position: int, taken: set[str]) -> dict[str, Any]:
    name = attribute_name(heading) if any(map(str.isalnum, heading)) else f"column_{position}"
    shown = heading or f"column {position}"
    column = {"heading": shown, "field": "", "blank": Blank.KEEP, "by": "", "note": ""}
    if heading in ERROR_COLUMNS:
        return column | {"note": "Added by an error file; left out."}
    field = next((each.name for each in target.fields if name in each.names), "")
    if field and field not in taken:
        taken.add(field)
        return column | {"field": field, "by": "name"}
    if field:
        column["note"] = f"Another column is the {field.replace('_', ' ')} already."
    if not target.takes_attributes:
        return column
    return column | {"field": ATTRIBUTE + _free_name(target, name, taken)}


def _free_name(target: Target, name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken or target.field(free):
        free, number = f"{name}_{number}"[:64], number + 1
    taken.add(free)
    return free


def _checked(target: Target, column: Any, heading: str) -> dict[str, Any]:
    field = column.get("field", "") if isinstance(column, dict) else None
    blank = column.get("blank", Blank.KEEP) if isinstance(column, dict) else None
    if not isinstance(field, str) or not _may_become(target, field):
        raise Refused(
            f"The column {heading!r} cannot become {field!r}.",
            field="columns",
            value=field,
            remedy=f"Choose from: {', '.join(each.name for each in target.fields)}"
            + (f", or {ATTRIBUTE}<name>." if target.takes_attributes else "."),
        )
    if blank not in Blank.values:
        raise Refused(
            f"What an empty cell of {heading!r} means cannot be {blank!r}.",
            field="columns",
            value=blank,
            remedy=f"Choose from: {', '.join(Blank.values)}.",
        )
    return {"heading": heading, "field": field, "blank": blank}


def _may_become(target: Target, field: str) -> bool:
    if not field or target.field(field):
        return True
    name = field.removeprefix(ATTRIBUTE)
    return (
        target.takes_attributes
        and field.startswith(ATTRIBUTE)
        and bool(NAME.fullmatch(name))
        and not target.field(name)
    )

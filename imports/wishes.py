"""What somebody says on the command line about a file, in the words of the actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Refused
from imports.mapping import suggest
from imports.targets import Target

READS = ("encoding", "delimiter", "sheet", "header_line")


def overrides_as_told(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the file is to be read, where that was said."""
    found = {name: told[name] for name in READS if told.get(name) is not None}
    if found.get("delimiter") == "\\t":
        found["delimiter"] = "\t"
    return found


def options_as_told(told: Sequence[str], *, target: Target) -> dict[str, Any]:
    """Return the target's options of `name=value`; one that takes several has commas between."""
    several = {option.name for option in target.options if option.kind == "choices"}
    pairs = dict(pair_of(each, field="set") for each in told)
    return {
        name: [part.strip() for part in value.split(",") if part.strip()]
        if name in several
        else value
        for name, value in pairs.items()
    }


def columns_as_told(
    told: Sequence[str], *, header: Sequence[str], target: Target
) -> list[dict[str, Any]] | None:
    """Return what the columns mean: as was said, and for the others as their headings say; None if nothing was said."""
    if not told:
        return None
    columns = suggest(target, list(header))
    given: dict[int, str] = {}
    for each in told:
        name, field = pair_of(each, field="map")
        given[place_of(name, header)] = field
    taken = set(given.values())
    for place, column in enumerate(columns):
        if place in given:
            column["field"] = given[place]
        elif column["field"] in taken:
            column["field"] = ""
    return columns


def place_of(name: str, header: Sequence[str]) -> int:
    """Return the place of a column named by its heading, or as `#3`; raise Refused where that is not one column."""
    if name.startswith("#") and name[1:].isdigit():
        if 1 <= int(name[1:]) <= len(header):
            return int(name[1:]) - 1
        raise Refused(
            f"There is no column {name}.",
            field="map",
            value=name,
            remedy=f"The file has {len(header)} columns.",
        )
    places = [place for place, heading in enumerate(header) if heading.strip() == name.strip()]
    if len(places) == 1:
        return places[0]
    if places:
        numbers = " or ".join(f"#{place + 1}" for place in places)
        raise Refused(
            f"{len(places)} columns are headed {name!r}.",
            field="map",
            value=name,
            remedy=f"Say which by its place: {numbers}.",
        )
    raise Refused(
        f"No column is headed {name!r}.",
        field="map",
        value=name,
        remedy=f"The headings are: {', '.join(header)[:300]}.",
    )


def pair_of(text: str, *, field: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=") if field == "map" else text.partition("=")
    if not equals or not name:
        raise Refused(
            f"{text!r} says nothing.", field=field, value=text, remedy="Write NAME=VALUE."
        )
    return name, value

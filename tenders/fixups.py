"""What is known to be wrong with a source's answers, as data: texts to replace in bodies, members to rename.

{"replace": "regular expression", "by": "text"}      only where the body is no JSON as it is
{"rename": "tender.classifications", "to": "classification"}
{"drop": "tender.internalNotes"}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from core.errors import Refused

Fixup = Mapping[str, Any]
SHAPES = ({"replace", "by"}, {"rename", "to"}, {"drop"})
LONGEST_PATTERN = 200


def check_fixups(fixups: Any) -> None:
    """Refuse what is no list of fix-ups, naming the entry."""
    if not isinstance(fixups, list):
        raise Refused("The fix-ups are no list.", field="fixups", value=fixups)
    for place, fixup in enumerate(fixups):
        if not isinstance(fixup, dict) or set(fixup) not in SHAPES or not _are_texts(fixup):
            raise Refused(
                f"Fix-up {place + 1} is of no known kind.",
                field="fixups",
                value=fixup,
                remedy="Write {replace, by}, {rename, to} or {drop}, each with texts.",
            )
        _check_pattern(fixup.get("replace", ""))


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise Refused(
            f"{pattern!r} is no regular expression: {error}.", field="fixups", value=pattern
        ) from error
    if len(pattern) > LONGEST_PATTERN:
        raise Refused(
            f"The pattern has {len(pattern)} characters.",
            field="fixups",
            value=pattern,
            remedy=f"Use at most {LONGEST_PATTERN}.",
        )


def _are_texts(fixup: Fixup) -> bool:
    return all(isinstance(value, str) for value in fixup.values())


def mend_text(text: str, fixups: Iterable[Fixup]) -> str:
    """Return a broken body with the known faults replaced."""
    for fixup in fixups:
        if "replace" in fixup:
            text = re.sub(fixup["replace"], fixup["by"], text)
    return text


def release_mender(fixups: Sequence[Fixup]) -> Callable[[dict[str, Any]], None]:
    """Return what mends one release in place."""
    moves = [
        (str(f.get("rename") or f.get("drop")).split("."), f.get("to"))
        for f in fixups
        if "replace" not in f
    ]

    def mend(release: dict[str, Any]) -> None:
        for path, to in moves:
            _move(release, path, to)

    return mend


def _move(node: Any, path: Sequence[str], to: str | None) -> None:
    """Rename or drop the member at the end of a path, in every object that the path leads to."""
    first, *rest = path
    if isinstance(node, list):
        for each in node:
            _move(each, path, to)
    elif isinstance(node, dict) and first in node:
        if rest:
            _move(node[first], rest, to)
            return
        value = node.pop(first)
        if to is not None:
            node.setdefault(to, value)

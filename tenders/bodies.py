"""Bytes of an answer into a package: tolerant of what publishers do to JSON, and exact about what was lost."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tenders.fixups import Fixup, mend_text

BOM = b"\xef\xbb\xbf"
#: Letters that no database keeps: NUL, and halves of surrogate pairs.
UNSTORABLE = ("\\u0000", "\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf")
LISTS = ("releases", "records")
LONGEST_NUMBER = 300


class BadBody(Exception):
    """The answer is no package of releases; says what it is instead."""


@dataclass(slots=True)
class Body:
    """A parsed answer, and what had to be done to it. `is_cut` where only its beginning could be read."""

    data: Any
    notes: list[str] = field(default_factory=list)
    is_cut: bool = False


def parse(content: bytes, *, encoding: str = "utf-8", fixups: Sequence[Fixup] = ()) -> Body:
    """Return what an answer says. Where it breaks off, what stands whole before that; raise BadBody for nothing."""
    notes: list[str] = []
    text = _decoded(content, encoding, notes)
    if text.lstrip()[:1] not in ("{", "["):
        raise BadBody(f"The answer is not JSON: it begins with {text.strip()[:40]!r}.")
    reader = _Reader()
    try:
        data = reader.read(text)
    except ValueError:
        mended = mend_text(text, fixups)
        try:
            data = reader.read(mended)
            notes.append("The answer was no JSON until its known faults were mended.")
        except ValueError as error:
            return _salvaged(mended, error, reader, notes)
    if reader.lost_numbers:
        notes.append(
            f"{reader.lost_numbers} numbers are too large or no numbers; they are left out."
        )
    if any(mark in text.lower() for mark in UNSTORABLE):
        data = _without_unstorable(data)
        notes.append("Characters that cannot be kept are left out.")
    return Body(data, notes)


def _decoded(content: bytes, encoding: str, notes: list[str]) -> str:
    content = content.removeprefix(BOM)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        other = (
            "iso-8859-1" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        )
        notes.append(f"The answer is not UTF-8; it is read as {other}.")
        return content.decode(other, errors="replace")


class _Reader:
    """Reads JSON; a number that no database can keep becomes null, and is counted."""

    def __init__(self) -> None:
        self.lost_numbers = 0
        self._decoder = json.JSONDecoder(
            parse_float=self._number, parse_constant=self._lost, parse_int=self._whole, strict=False
        )

    def read(self, text: str) -> Any:
        self.lost_numbers = 0
        try:
            return self._decoder.decode(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None

    def read_at(self, text: str, start: int) -> tuple[Any, int]:
        return self._decoder.raw_decode(text, start)

    def _number(self, digits: str) -> float | None:
        number = float(digits)
        if math.isfinite(number):
            return number
        self._lost(digits)
        return None

    def _whole(self, digits: str) -> int | None:
        if len(digits) <= LONGEST_NUMBER:
            return int(digits)
        self._lost(digits)
        return None

    def _lost(self, _: str) -> None:
        self.lost_numbers += 1


def _salvaged(text: str, error: ValueError, reader: _Reader, notes: list[str]) -> Body:
    """Return the releases that stand whole before the place where an answer breaks."""
    for name in LISTS:
        start = text.find(f'"{name}"')
        opening = text.find("[", start) if start >= 0 else -1
        if opening >= 0:
            whole = _items(text, opening + 1, reader)
            if not whole:
                break
            why = f"The answer breaks at {error}; {len(whole)} {name} before that are whole."
            return Body(_without_unstorable({name: whole}), [*notes, why], is_cut=True)
    raise BadBody(f"The answer is not JSON: {error}.") from error


def _items(text: str, at: int, reader: _Reader) -> list[Any]:
    found: list[Any] = []
    while True:
        while text[at : at + 1] in (" ", "\t", "\r", "\n", ","):
            at += 1
        try:
            item, at = reader.read_at(text, at)
        except (ValueError, RecursionError):
            return found
        found.append(item)


def _without_unstorable(data: Any) -> Any:
    if isinstance(data, dict):
        return {_clean(key): _without_unstorable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_without_unstorable(value) for value in data]
    return _clean(data) if isinstance(data, str) else data


def _clean(text: str) -> str:
    return "".join(
        letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff"
    )

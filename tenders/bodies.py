"""Bytes of an answer into a package: tolerant of what publishers do to JSON, and exact about what was lost."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tenders.fixups import Fixup, mend_text

BOM = b"\xef\xbb\xbf"
#: How letters are written that no database keeps, beside a bare NUL: that, and halves of surrogate pairs.
UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
LISTS = ("releases", "records")
LONGEST_NUMBER = 300
#: Where an object of a list may begin, and how a list may end that a package goes on after.
BEGINNING = re.compile(r"(?<=[\[,])\s*(?=\{)")
ENDING = re.compile(r"\](?=\s*(?:\}\s*$|,\s*\"[A-Za-z]+\"\s*:))")
#: So many beginnings after a damage are tried for the next release.
MOST_TRIES = 500


class BadBody(Exception):
    """The answer is no package of releases; says what it is instead."""


@dataclass(slots=True)
class Body:
    """A parsed answer, and what had to be done to it.

    `is_cut` where only its beginning could be read; `damage` says what could not be read in the middle of it.
    """

    data: Any
    notes: list[str] = field(default_factory=list)
    is_cut: bool = False
    damage: str = ""


def parse(content: bytes, *, encoding: str = "utf-8", fixups: Sequence[Fixup] = ()) -> Body:
    """Return what an answer says, or as much of it as stands whole; raise BadBody for nothing."""
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
    if "\0" in text or UNSTORABLE.search(text):
        data = _storable(data)
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
    """Return the releases that stand whole, before the place where an answer breaks and after it."""
    for name in LISTS:
        start = text.find(f'"{name}"')
        opening = text.find("[", start) if start >= 0 else -1
        if opening >= 0:
            found = _Salvage(text, reader)
            found.read_from(opening + 1)
            if not found.whole:
                break
            package = found.package_around(opening)
            if package is None:
                why = f"The answer breaks at {error}; {len(found.whole)} {name} before that are whole."
                return Body(_storable({name: found.whole}), [*notes, why], is_cut=True)
            why = f"{len(found.breaks)} of the {name} cannot be read, {len(found.whole)} can: {error}."
            around = [
                f"What begins so cannot be read: {text[at : at + 120]}" for at in found.breaks
            ]
            data = _storable({**package, name: found.whole})
            return Body(data, [*notes, *around[:20]], damage=why)
    raise BadBody(f"The answer is not JSON: {error}.") from error


class _Salvage:
    """The members of a list that stand whole in a broken text; `breaks` are where those begin that do not."""

    def __init__(self, text: str, reader: _Reader) -> None:
        self.text, self._reader = text, reader
        self.whole: list[Any] = []
        self.breaks: list[int] = []
        self.end = 0

    def read_from(self, at: int) -> None:
        following: int | None = at
        while following is not None:
            broken = self._read_on(following)
            if self.text[self.end : self.end + 1] not in ("]", ""):
                self.breaks.append(self.end)
            following = self._next_whole(broken)

    def _read_on(self, at: int) -> int:
        """Read what stands whole from a place on; return where it breaks."""
        while True:
            while self.text[at : at + 1] in (" ", "\t", "\r", "\n", ","):
                at += 1
            self.end = at
            try:
                item, at = self._reader.read_at(self.text, at)
            except ValueError as error:
                return int(getattr(error, "pos", at))
            except RecursionError:
                return at + 1
            self.whole.append(item)

    def _next_whole(self, at: int) -> int | None:
        """Return where the next release begins that can be read: an object with an ocid."""
        for _ in range(MOST_TRIES):
            found = BEGINNING.search(self.text, at)
            if found is None:
                return None
            try:
                item, at = self._reader.read_at(self.text, found.end())
            except (ValueError, RecursionError):
                at = found.end() + 1
                continue
            if isinstance(item, dict) and "ocid" in item:
                return found.end()
        return None

    def package_around(self, opening: int) -> dict[str, Any] | None:
        """Return the package without its list; None where the answer ends before it does."""
        for _, ending in zip(range(MOST_TRIES), ENDING.finditer(self.text, self.end), strict=False):
            try:
                data = self._reader.read(self.text[:opening] + "[]" + self.text[ending.end() :])
            except ValueError:
                continue
            if isinstance(data, dict):
                return data
        return None


def _storable(data: Any) -> Any:
    try:
        return _without_unstorable(data)
    except RecursionError:
        raise BadBody("The answer is nested too deeply.") from None


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

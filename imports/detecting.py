"""How a file of text is to be read: its encoding, and what stands between its values. Only the head is looked at."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import Refused

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
#: What a person may choose, by the name Python knows it under.
ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows, Western Europe (1252)",
    "cp1250": "Windows, Central Europe (1250)",
    "cp1251": "Windows, Cyrillic (1251)",
    "cp1253": "Windows, Greek (1253)",
    "cp1254": "Windows, Turkish (1254)",
    "iso-8859-2": "ISO 8859-2, Central Europe",
    "iso-8859-15": "ISO 8859-15, Western Europe",
    "mac-roman": "Mac, Western Europe",
    "cp850": "DOS, Western Europe (850)",
    "utf-16": "UTF-16 with a mark",
    "utf-16-le": "UTF-16, low byte first",
    "utf-16-be": "UTF-16, high byte first",
    "shift-jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc-kr": "Korean (EUC-KR)",
}
SAMPLE_ROWS = 20
MAGIC = {
    b"\x1f\x8b": "compressed (gzip)",
    b"BZh": "compressed (bzip2)",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"SQLite format 3": "a database",
}
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table")
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
SAVE_AS_CSV = "Save it as CSV in UTF-8, or as an Excel workbook, and import that."
# What text of other encodings looks like in 1252: symbols within words, a rare capital at their end, words of
# nothing but accented letters.
BROKEN_WORD = re.compile(
    r"[^\W\d_][‚ƒ†‡ˆ‰‹›¢£¤¥¦§¨¬¯±²³´¶¸¹¼½¾¿×÷¡˜][^\W\d_]|[^\W\d_][‚ƒ†‡ˆ¢£¤¥¦¬±²³¶¸¹¼½¾¿×¡](?!\w)"
    r"|(?<![\w‚ƒ†‡ˆ‰‹›¢£¤¥¦§¬±³¶¸¹¼½¾×÷˜])[£¥¦¯³¿][^\W\d_]|[a-z][ŽŠŸŒ]|[À-ÿ]{3}"
)
HIGH_LETTER = re.compile(r"[^\x00-\x7f]")
SUSPICIOUS_SHARE = 0.05


def is_spreadsheet(head: bytes) -> bool:
    """Whether a file begins as workbooks do; raise Refused for kinds that hold no table."""
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            raise Refused(
                f"The file is {kind}, not a table.",
                field="file",
                remedy=SAVE_AS_CSV
                if "press" not in kind
                else "Unpack it, and import what is in it.",
                code="not_a_table",
            )
    if head.lstrip().lower().startswith(MARKUP):
        raise Refused(
            "The file is a web page or XML, not a table, whatever its name says.",
            field="file",
            remedy="Open it in a spreadsheet program. " + SAVE_AS_CSV,
            code="not_a_table",
        )
    return head.startswith((ZIP, OLE))


def detect_encoding(head: bytes, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return a text's encoding, and how we know: `bom`, `strict` (every byte fits UTF-8) or `guess`.

    A file that is neither Unicode nor plausible in Windows-1252 is refused with the code `encoding_unknown`:
    a person who knows it says which it is, and no name is guessed wrong.
    """
    if mark := _mark(head):
        if mark == "utf-8-sig" and not facts["utf_8"]:
            raise _not_text("It begins as UTF-8 and goes on with bytes that are none.")
        return mark, "bom"
    if facts["first_nul"] >= 0:
        return _encoding_with_nuls(facts), "guess"
    if facts["utf_8"]:
        return "utf-8", "strict"
    if facts["cp1252"] and reads_well(head.decode("cp1252", errors="replace")):
        return "cp1252", "guess"
    raise unknown_encoding()


def guessed_encoding(encoding: str) -> Refused:
    """Nobody is there to look at the names, and a neighbouring encoding would fit the bytes as well."""
    return Refused(
        f"The file is not Unicode. Its encoding is probably {ENCODINGS.get(encoding, encoding)}, which is a guess.",
        field="encoding",
        value=encoding,
        remedy=f"Say encoding={encoding} if it is, or have the file checked first and look at its names.",
        code="encoding_guessed",
    )


def unknown_encoding() -> Refused:
    return Refused(
        "The file is not UTF-8, and names in it would be read wrong in the usual encoding of Windows.",
        field="encoding",
        remedy="Choose the encoding in which its names read well, or save it as CSV in UTF-8.",
        code="encoding_unknown",
    )


def reads_well(text: str) -> bool:
    """Whether text decoded as Windows-1252 looks like words, not like those of another encoding."""
    letters = len(HIGH_LETTER.findall(text))
    return len(BROKEN_WORD.findall(text)) <= letters * SUSPICIOUS_SHARE


def check_encoding(name: str) -> str:
    """Return an encoding that a person named, as Python spells it; raise Refused for what is none."""
    try:
        found = codecs.lookup(name)
        "a".encode(name)
    except (LookupError, TypeError, ValueError):
        raise Refused(
            f"{name!r} is no encoding of text.",
            field="encoding",
            value=name,
            remedy=f"Choose from: {', '.join(ENCODINGS)}.",
        ) from None
    return found.name


def detect_delimiter(sample: str, *, knows: Callable[[str], bool]) -> str:
    """Return the delimiter under which a text looks most like a table; `knows` recognises headings."""
    first = sample.lstrip("\ufeff")[:5].lower()
    if first.startswith("sep=") and first[4:5] in DELIMITERS:
        return first[4]
    return max(DELIMITERS, key=lambda delimiter: _likelihood(sample, delimiter, knows))


def first_rows(sample: str, delimiter: str, *, limit: int = SAMPLE_ROWS) -> list[list[str]]:
    """Return the first rows of a text under a delimiter, as far as they can be read."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) == limit:
                break
    except csv.Error:
        pass  # what could be read until there still tells
    return rows


def _likelihood(sample: str, delimiter: str, knows: Callable[[str], bool]) -> tuple[int, int, int]:
    rows = first_rows(sample, delimiter)
    if not rows:
        return (0, 0, 0)
    known = max(sum(map(knows, row)) for row in rows)
    widths = [len(row) for row in rows]
    width = max(set(widths), key=lambda each: (widths.count(each), each))
    alike = widths.count(width) if width > 1 else 0
    return (known, alike, width)


def _mark(head: bytes) -> str:
    marks = {
        codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
        codecs.BOM_UTF32_BE: "utf-32",
        codecs.BOM_UTF8: "utf-8-sig",
        codecs.BOM_UTF16_LE: "utf-16",
        codecs.BOM_UTF16_BE: "utf-16",
    }
    return next((name for mark, name in marks.items() if head.startswith(mark)), "")


def _encoding_with_nuls(facts: Mapping[str, Any]) -> str:
    """Text in UTF-16 without a mark has its NULs at every other place; other text has none at all."""
    even, odd = facts["nuls"]
    if odd > 20 * even and odd > 1:
        return "utf-16-le"
    if even > 20 * odd and even > 1:
        return "utf-16-be"
    raise _not_text(f"Byte {facts['first_nul'] + 1:,} is a NUL.")


def _not_text(why: str) -> Refused:
    return Refused(
        f"The file is not text. {why}", field="file", remedy=SAVE_AS_CSV, code="not_text"
    )

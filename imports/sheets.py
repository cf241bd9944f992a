"""A sheet of a workbook (XLSX, XLSB, XLS, ODS) becomes rows of text, in a process of its own.

That process has a bound on its memory and time, so that a workbook made to burst (a zip bomb, a sheet of a
million columns) harms nothing but itself. This module imports no Django: the process starts in a moment.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MAX_MEMORY = 2 * 1024**3
MAX_UNPACKED = 2 * 1024**3
MAX_SECONDS = 300
MAX_COLUMNS = 1_000
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True)
class Book:
    """What a workbook holds, and the sheet that was unpacked."""

    sheets: list[str]
    sheet: str


def unpack(path: Path, target: Path, *, sheet: str = "") -> Book:
    """Write a sheet's rows to `target`, the first one with rows unless it is named; raise Refused with the reason."""
    from core.errors import Refused

    _check_size(path)
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "imports.sheets", str(path), str(target), sheet],
            cwd=ROOT,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode != 0:
        raise _refused("too_large", "It needs too much memory or time to open.")
    answer = json.loads(done.stdout)
    if "code" in answer:
        raise _refused(answer["code"], answer["message"])
    if sheet and answer["sheet"] != sheet:
        raise Refused(
            f"There is no sheet {sheet!r}.",
            field="sheet",
            value=sheet,
            remedy=f"There are: {', '.join(answer['sheets'])}.",
        )
    return Book(sheets=answer["sheets"], sheet=answer["sheet"])


def read_rows(unpacked: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of an unpacked sheet, each with its number in the sheet."""
    with unpacked.open("rb") as file:
        for line in file:
            number, cells = json.loads(line)
            yield number, cells


def _check_size(path: Path) -> None:
    """Refuse an archive that says itself that it bursts; one that lies meets the bound on memory."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_UNPACKED:
        raise _refused("zip_bomb", f"It would unpack to {size / 1024**3:,.1f} GB.")


def _refused(code: str, message: str) -> Exception:
    from core.errors import Refused

    remedy = {
        "password": "Save it without a password, and import that.",
        "not_a_workbook": "Save it as CSV in UTF-8, or as an Excel workbook, and import that.",
    }.get(code, "Save the sheet with your rows as CSV in UTF-8, and import that.")
    return Refused(
        f"The workbook cannot be read. {message}", field="file", remedy=remedy, code=code
    )


# --- inside the process ---------------------------------------------------------------------------------


def main(path: str, target: str, sheet: str) -> dict[str, Any]:
    """Unpack a sheet; return what the workbook holds, or a code and a message."""
    import python_calamine as calamine

    try:
        with Path(path).open("rb") as file:
            book = calamine.CalamineWorkbook.from_filelike(file)
            return _unpack(book, Path(target), sheet)
    except calamine.PasswordError:
        return {"code": "password", "message": "It is protected by a password."}
    except (calamine.CalamineError, ValueError) as error:
        if ENCRYPTED in Path(path).read_bytes():
            return {"code": "password", "message": "It is protected by a password."}
        return {"code": "not_a_workbook", "message": f"It is damaged, or no workbook: {error}."}


def _unpack(book: Any, target: Path, sheet: str) -> dict[str, Any]:
    pages = [each for each in book.sheets_metadata if str(each.typ).endswith("WorkSheet")]
    pages.sort(key=lambda each: not str(each.visible).endswith("Visible.Visible"))
    names = [each.name for each in pages]
    for name in [sheet] if sheet in names else names:
        page = book.get_sheet_by_name(name)
        if page.end is None:
            continue
        width = page.end[1] + 1
        if width > MAX_COLUMNS:
            return {
                "code": "too_many_columns",
                "message": f"The sheet {name!r} has {width:,} columns; {MAX_COLUMNS:,} are the most.",
            }
        _write(page, target)
        return {"sheets": names, "sheet": name}
    return {"code": "no_rows", "message": "There are no rows in it."}


def _write(page: Any, target: Path) -> None:
    with target.open("w", encoding="utf-8") as out:
        for number, row in enumerate(page.iter_rows(), start=1):
            out.write(json.dumps([number, list(map(_text, row))], ensure_ascii=False) + "\n")


def _text(value: Any) -> str:
    """Return a cell as a person reads it: 27 and not 27.0, dates as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))

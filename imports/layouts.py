"""How a file is read: guessed from its head, unless a person said otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import Refused
from imports import detecting
from imports.mapping import known_names
from imports.reading import MAX_COLUMNS, BrokenRecord, Record, lines_of, read_records
from imports.sheets import read_rows, unpack
from imports.targets import Target
from messaging.attributes import attribute_name

HEAD_BYTES = 64 * 1024
GUESS_BYTES = 8 * 1024 * 1024
HEADER_WITHIN = 20
MAX_HEADER_LINE = 1_000
TEXT, SHEET = "text", "sheet"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is read. `header_line` is the line of the headings, 0 where there are none."""

    kind: str
    encoding: str = ""
    encoding_by: str = ""
    delimiter: str = ""
    header_line: int = 0
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_guessed(self) -> bool:
        """Whether letters may be read as those of a neighbouring encoding; Unicode tells itself."""
        return self.encoding_by == "guess" and not self.encoding.startswith("utf")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def inspect(
    path: Path,
    facts: Mapping[str, Any],
    *,
    target: Target,
    overrides: Mapping[str, Any],
    unpacked: Path | None = None,
) -> Layout:
    """Return how a file is to be read; raise Refused where it holds no table.

    A workbook's sheet is written to `unpacked` row by row; without it a workbook is only recognised.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if detecting.is_spreadsheet(head):
        return _inspect_sheet(path, target, overrides, unpacked)
    layout = _inspect_text(path, head, facts, target, overrides)
    with records_of(path, layout) as records:
        return _with_header(layout, records, target, overrides)


@contextmanager
def records_of(path: Path, layout: Layout) -> Iterator[Iterator[Record | BrokenRecord]]:
    """Open a file (of a workbook: its unpacked sheet) as records, the header among them."""
    if layout.kind == SHEET:
        yield (Record(line, cells) for line, cells in read_rows(path) if any(cells))
        return
    with path.open(encoding=layout.encoding, newline="") as source:
        yield _decoded(read_records(lines_of(source), layout.delimiter), layout.encoding)


def _inspect_text(
    path: Path,
    head: bytes,
    facts: Mapping[str, Any],
    target: Target,
    overrides: Mapping[str, Any],
) -> Layout:
    if overrides.get("encoding"):
        encoding, by = detecting.check_encoding(overrides["encoding"]), "person"
    else:
        encoding, by = detecting.detect_encoding(head, facts)
        if by == "guess" and encoding == "cp1252":
            _require_words(path)
    with path.open(encoding=encoding, errors="replace", newline="") as source:
        sample = source.read(HEAD_BYTES)
    names = known_names(target)
    delimiter = overrides.get("delimiter") or detecting.detect_delimiter(
        sample, knows=lambda cell: attribute_name(cell) in names
    )
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise Refused(
            f"{delimiter!r} cannot stand between values.",
            field="delimiter",
            value=delimiter,
            remedy="Give one character, such as a comma.",
        )
    notes = []
    if by == "guess":
        notes.append(
            f"The encoding is a guess: {detecting.ENCODINGS.get(encoding, encoding)}. Look at the names below."
        )
    if facts.get("lost_letters"):
        notes.append(
            f"{facts['lost_letters']:,} letters were lost before the file came here;"
            " they read \N{REPLACEMENT CHARACTER}."
        )
    return Layout(kind=TEXT, encoding=encoding, encoding_by=by, delimiter=delimiter, notes=notes)


def _require_words(path: Path) -> None:
    """Look at more than the head before a name is read by a guess."""
    with path.open("rb") as file:
        text = file.read(GUESS_BYTES).decode("cp1252", errors="replace")
    if not detecting.reads_well(text):
        raise detecting.unknown_encoding()


def _inspect_sheet(
    path: Path, target: Target, overrides: Mapping[str, Any], unpacked: Path | None
) -> Layout:
    if unpacked is None:
        return Layout(kind=SHEET)
    book = unpack(path, unpacked, sheet=overrides.get("sheet", ""))
    layout = Layout(kind=SHEET, sheet=book.sheet, sheets=book.sheets)
    with records_of(unpacked, layout) as records:
        return _with_header(layout, records, target, overrides)


def _with_header(
    layout: Layout,
    records: Iterator[Record | BrokenRecord],
    target: Target,
    overrides: Mapping[str, Any],
) -> Layout:
    line = overrides.get("header_line")
    first = list(islice(records, max(HEADER_WITHIN, line or 0)))
    rows = [record for record in first if isinstance(record, Record)]
    if any(record.code == "too_many_values" for record in first if not isinstance(record, Record)):
        raise too_many_columns(f"more than {MAX_COLUMNS:,}")
    if not rows:
        raise _no_rows(first)
    widest = max(len(row.cells) for row in rows)
    if widest > MAX_COLUMNS:
        raise too_many_columns(f"{widest:,}")
    if line is None:
        names = known_names(target)
        line = find_header(rows, knows=lambda cell: attribute_name(cell) in names)
    elif line and all(row.line != line for row in rows):
        raise Refused(
            f"No row begins on line {line}.",
            field="header_line",
            value=line,
            remedy=f"Rows begin on lines {', '.join(str(row.line) for row in rows[:10])}.",
        )
    if line and len(first) < HEADER_WITHIN and first[-1].line == line:
        raise Refused(
            "The file has a header and no rows.",
            field="file",
            remedy="Add the rows.",
            code="no_rows",
        )
    notes = [*layout.notes]
    if not line and "header_line" not in overrides:
        notes.append("No row looks like headings: columns go by their number.")
    return replace(layout, header_line=line, notes=notes)


def find_header(rows: list[Record], *, knows: Callable[[str], bool]) -> int:
    """Return the line of the headings, or 0: the row with most known names, or the first that names every column."""
    known = [sum(map(knows, row.cells)) for row in rows]
    if any(known):
        return rows[known.index(max(known))].line
    width = Counter(_filled(row) for row in rows).most_common(1)[0][0]
    for row in rows:
        if _filled(row) >= width:
            return row.line if all(map(_is_name, row.cells)) else 0
    return 0


def _filled(row: Record) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def _is_name(cell: str) -> bool:
    """Whether a cell could be a heading: not a number, not a date, not an address."""
    return "@" not in cell and (not cell.strip() or any(letter.isalpha() for letter in cell))


def too_many_columns(count: str) -> Refused:
    return Refused(
        f"The file has {count} columns; {MAX_COLUMNS:,} are the most.",
        field="file",
        remedy="Save only the columns you need.",
        code="too_many_columns",
    )


def _no_rows(first: Iterable[Record | BrokenRecord]) -> Refused:
    broken = next((each for each in first if isinstance(each, BrokenRecord)), None)
    why = f" Line {broken.line}: {broken.message}" if broken else ""
    return Refused(
        f"The file holds no rows.{why}",
        field="file",
        remedy="Choose the file, or the sheet, with the rows.",
        code="no_rows",
    )


def _decoded(
    records: Iterator[Record | BrokenRecord], encoding: str
) -> Iterator[Record | BrokenRecord]:
    """Pass records on; say where a file that began as text of its encoding goes on as something else."""
    line = 0
    try:
        for record in records:
            line = record.line
            yield record
    except UnicodeError as error:
        raise Refused(
            f"After line {line:,} the file is not text in {encoding}: {error}.",
            field="encoding",
            value=encoding,
            remedy="Choose another encoding, or save it as CSV in UTF-8.",
            code="wrong_encoding",
        ) from None

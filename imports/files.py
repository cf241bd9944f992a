"""The files of imports: checked whole, then kept under their checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from core.errors import Refused
from imports.columns import Column, columns_of
from imports.detecting import detect_delimiter, detect_encoding
from imports.people import Chunk, PersonReader
from imports.reading import BrokenRecord, Lines, Record, read_header, read_records

# One transaction each: SQLite has one writer, and others must not wait long for it.
CHUNK_ROWS = 1_000


@dataclass(frozen=True)
class ContactFile:
    """A file of contacts, and how it is to be read."""

    path: Path
    encoding: str
    delimiter: str

    @classmethod
    def detect(cls, path: Path) -> ContactFile:
        """Return how a file is to be read; raise Refused for one that holds no contacts."""
        encoding = detect_encoding(path)
        file = cls(path, encoding, detect_delimiter(path, encoding))
        with file.records():
            pass
        return file

    @contextmanager
    def records(self) -> Iterator[tuple[list[Column], Iterator[Record | BrokenRecord]]]:
        """Open the file: its columns, and an iterator over its rows."""
        with self.path.open(encoding=self.encoding, newline="") as source:
            lines = Lines(source)
            header = read_header(lines, self.delimiter)
            columns = columns_of(header)
            yield columns, read_records(lines, self.delimiter, width=len(columns))

    def count_rows(self) -> int:
        with self.records() as (_, records):
            return sum(1 for _ in records)

    def chunks(self, *, region: str) -> Iterator[Chunk]:
        """Yield the rows in chunks; the same file always gives the same chunks."""
        with self.records() as (columns, records):
            reader = PersonReader(columns, region=region)
            chunk = Chunk()
            for record in records:
                reader.read(record, chunk)
                if chunk.row_count == CHUNK_ROWS:
                    yield chunk
                    chunk = Chunk()
            if chunk.row_count:
                yield chunk


def folder() -> Path:
    """Return where imported files are kept."""
    path = Path(settings.VAR_DIR) / "imports"
    path.mkdir(parents=True, exist_ok=True)
    return path


def kept(sha256: str) -> Path:
    """Return where the file of this checksum is kept; raise Refused where it is no more."""
    path = folder() / sha256
    if not path.is_file():
        raise Refused(
            f"The file {sha256[:12]}… of this import is not on this machine.",
            field="file",
            remedy="Import it again; all workers must share VAR_DIR.",
        )
    return path


@contextmanager
def received(pieces: Iterable[bytes]) -> Iterator[Path]:
    """Write what arrives to a passing file beside the kept ones."""
    with NamedTemporaryFile(dir=folder(), prefix="new-") as file:
        file.writelines(pieces)
        file.flush()
        yield Path(file.name)


def keep(path: Path) -> str:
    """Keep a copy of a file under its checksum, complete or not at all; return the checksum."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    target = folder() / sha256
    if not target.exists():
        with (
            path.open("rb") as source,
            NamedTemporaryFile(dir=folder(), prefix="new-", delete=False) as copy,
        ):
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        Path(copy.name).replace(target)
    return sha256

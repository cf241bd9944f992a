"""The files of imports: hashed while they stream in, kept under their checksum."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Self

from django.conf import settings

from core.errors import Refused
from imports.models import CsvBatch, StoredFile
from imports.probing import Probe

MAX_BYTES = 512 * 1024 * 1024
#: After so many bytes an upload waits for the disk, so that its end waits for few.
SYNC_EVERY = 8 * 1024 * 1024
#: Within so many bytes of its end it does not: they may have come already, and the end waits for all of them at once.
LAST_BYTES = 16 * 1024 * 1024
NAME_LENGTH = 255


class Incoming:
    """A file on its way in: a context manager that leaves nothing behind unless `keep` was called.

    `announced` is how many bytes will come, about, where somebody said so.
    """

    def __init__(self, *, announced: int = 0) -> None:
        self._file = NamedTemporaryFile(dir=folder(), prefix="new-", delete=False)  # noqa: SIM115
        self._hash = hashlib.sha256()
        self._probe = Probe()
        self._unsynced = 0
        self._announced = announced
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, piece: bytes) -> None:
        """Take the next bytes; raise Refused once there are too many."""
        self.size += len(piece)
        if self.size > MAX_BYTES:
            raise Refused(
                f"The file is larger than {MAX_BYTES // 1024**2} MB.",
                field="file",
                remedy="Split it, and import the parts one after the other.",
                code="file_too_large",
            )
        self._file.write(piece)
        self._begin_to_store(len(piece))
        self._hash.update(piece)
        self._probe.feed(piece)
        self._sync_now_and_then(len(piece))

    @property
    def sha256(self) -> str:
        """The checksum of what has come so far."""
        return self._hash.hexdigest()

    def keep(self) -> StoredFile:
        """Keep the file, complete or not at all; the same bytes are kept once, and not brought to the disk again."""
        if not self.size:
            raise Refused(
                "The file is empty.",
                field="file",
                remedy="Choose the file with the rows.",
                code="empty_file",
            )
        sha256 = self._hash.hexdigest()
        if not _is_asked_for_again(folder() / sha256):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            Path(self._file.name).replace(folder() / sha256)
            _sync_folder(folder())
        stored, _ = StoredFile.objects.get_or_create(
            sha256=sha256, defaults={"size": self.size, "facts": self._probe.facts()}
        )
        return stored

    def discard(self) -> None:
        """Forget what was written, unless it was kept."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def _begin_to_store(self, count: int) -> None:
        """Have the last bytes written to the disk from now on, waiting for nothing: so Linux takes this advice."""
        self._file.flush()
        os.posix_fadvise(self._file.fileno(), self.size - count, count, os.POSIX_FADV_DONTNEED)

    def _sync_now_and_then(self, count: int) -> None:
        """Bring bytes to the disk on the way, so that the last one is not waited for long."""
        self._unsynced += count
        is_near_its_end = self._announced and self.size + LAST_BYTES >= self._announced
        if self._unsynced >= SYNC_EVERY and not is_near_its_end:
            os.fdatasync(self._file.fileno())
            self._unsynced = 0


def store_upload(pieces: Iterable[bytes]) -> StoredFile:
    """Keep what arrives in pieces; raise Refused where it is empty or too large."""
    with Incoming() as incoming:
        for piece in pieces:
            incoming.write(piece)
        return incoming.keep()


def store_path(path: Path) -> StoredFile:
    """Keep a copy of a file of this machine."""
    with path.open("rb") as file:
        return store_upload(iter(lambda: file.read(1024 * 1024), b""))


def earlier_batches(file: StoredFile) -> list[CsvBatch]:
    """Return the imports of exactly these bytes, newest first."""
    return list(file.batches.order_by("-pk")[:10])


def folder() -> Path:
    """Return where imported files are kept."""
    path = Path(settings.VAR_DIR) / "imports"
    path.mkdir(parents=True, exist_ok=True)
    return path


def kept(file: StoredFile) -> Path:
    """Return where a file's bytes lie; raise Refused where they are no more."""
    path = folder() / file.sha256
    if not path.is_file():
        raise gone("file", file.sha256[:12])
    return path


def batch_folder(batch: CsvBatch) -> Path:
    """Return where an import keeps its rows as they were read."""
    path = folder() / batch.public_id
    path.mkdir(exist_ok=True)
    return path


def _is_asked_for_again(path: Path) -> bool:
    """Whether a file is kept already; then it counts as fresh again, so that it is not deleted as old just now."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _sync_folder(path: Path) -> None:
    """Have a file's new name outlive a power cut, as its bytes do."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def gone(what: str, name: str) -> Refused:
    return Refused(
        f"The {what} {name} of this import is not on this machine.",
        field="file",
        remedy="Import it again; all machines must share VAR_DIR.",
        code="file_gone",
    )


def clean_name(name: str) -> str:
    """Return a file's name as it is shown: no folders, nothing invisible, never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip(" .")
    return shown[-NAME_LENGTH:] or "file"

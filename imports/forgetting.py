"""An import's copies of people, and their end: the file, its rows as they were read, what stood before.

Counts, statuses and codes of errors stay for ever; undo, another try and the file of errors go with the copies.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from core import clock
from imports.models import CsvBatch, StoredFile
from imports.models.batches import CsvRowQuerySet
from imports.states import OVER
from imports.storage import folder

CHUNK_ROWS = 10_000
#: A file that came in or was asked for within so many seconds may belong to an upload whose import is not made yet.
FRESH_SECONDS = 3_600.0


def due(now: datetime) -> QuerySet[CsvBatch]:
    """Return the imports that ended long enough ago and still hold copies, or whose forgetting was cut off."""
    ended = Q(status__in=OVER, finished_at__lt=since(now), forgotten_at=None)
    return CsvBatch.objects.filter(ended | Q(forgotten_at__isnull=False) & ~Q(sample=[]))


def since(now: datetime) -> datetime:
    """Return until when an import must have ended for its copies to go."""
    return now - timedelta(days=settings.IMPORT_COPY_DAYS)


def forget_copies(batch: CsvBatch, *, renew: Callable[[], None]) -> bool:
    """Delete what an import that has ended holds of people; False where it goes on meanwhile.

    From the first moment on nobody can undo it or try it again; its sample goes last, as the sign that all is done. The
    file goes too, unless another import that still has its copies came from the same one.
    """
    ended = CsvBatch.objects.filter(pk=batch.pk, status__in=OVER)
    if not ended.update(forgotten_at=batch.forgotten_at or clock.now()):
        return False
    delete_rows(batch)
    for rows in in_chunks(batch):
        rows.forget()
        renew()
    delete_bytes_unless_needed(batch.file)
    ended.update(sample=[], check_result=None)
    return True


def in_chunks(batch: CsvBatch) -> Iterator[CsvRowQuerySet]:
    """Yield the records of an import's rows, so many at a time."""
    for first in range(1, batch.total + 1, CHUNK_ROWS):
        yield batch.rows.filter(number__gte=first, number__lt=first + CHUNK_ROWS)


def delete_bytes_unless_needed(file: StoredFile) -> None:
    """Delete a file as it was uploaded, once no import needs it and nobody has just sent it again."""
    needed = CsvBatch.objects.filter(file=file, forgotten_at=None)
    if not needed.exists() and not is_fresh(folder() / file.sha256):
        delete_bytes(file)


def delete_rows(batch: CsvBatch) -> None:
    """Delete the rows of an import as they were read."""
    shutil.rmtree(folder() / batch.public_id, ignore_errors=True)


def delete_bytes(file: StoredFile) -> None:
    """Delete a file as it was uploaded."""
    (folder() / file.sha256).unlink(missing_ok=True)


def sweep() -> int:
    """Delete what belongs to no import: uploads that were cut off, files and rows left behind; return how many."""
    kept = CsvBatch.objects.filter(file=OuterRef("pk"), forgotten_at=None)
    names = set(StoredFile.objects.filter(Exists(kept)).values_list("sha256", flat=True))
    names |= {batch.public_id for batch in CsvBatch.objects.filter(forgotten_at=None).only("pk")}
    stray = [path for path in folder().iterdir() if path.name not in names and not is_fresh(path)]
    for path in stray:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(stray)


def is_fresh(path: Path) -> bool:
    """Whether something was written there a short while ago, by the clock of the disk."""
    try:
        return time.time() - path.stat().st_mtime < FRESH_SECONDS
    except FileNotFoundError:
        return False

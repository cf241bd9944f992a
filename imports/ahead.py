"""The next rows of an import are read and parsed while those before them are written.

Writing mostly waits for the database. What was read ahead counts for nothing: the import's own row says where it goes
on, and rows read from another place are read anew.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from types import TracebackType
from typing import Self

from imports.bulk import Chunks
from imports.deciding import Outcome
from imports.models import CsvBatch
from imports.targets import Record

Read = tuple[list[Record | Outcome], int]
Place = tuple[int, int]  #: a row's number, and its offset


class ReadingAhead:
    """A context manager over the chunks of an import that keeps one chunk in advance."""

    def __init__(self, batch: CsvBatch) -> None:
        self._batch = batch
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading-ahead")
        self._coming: tuple[Place, Future[Read]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    @cached_property
    def chunks(self) -> Chunks:
        return Chunks(self._batch)

    def read(self, *, number: int, offset: int) -> Read:
        """Return the rows from there on, and where those after them begin."""
        if self._coming is None or self._coming[0] != (number, offset):
            return self.chunks.read(number=number, offset=offset)
        return self._coming[1].result()

    def begin(self, *, number: int, offset: int) -> None:
        """Begin to read the rows that will be asked for next."""
        coming = self._thread.submit(self.chunks.read, number=number, offset=offset)
        self._coming = ((number, offset), coming)

"""What the bytes of a file say about its encoding, learnt while they stream in."""

from __future__ import annotations

import codecs
from typing import Any

#: The bytes that stand for nothing in Windows-1252.
UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"
#: The letter that stands where another could not be read, in UTF-8.
LOST_LETTER = "\N{REPLACEMENT CHARACTER}".encode()


class Probe:
    """Looks at every byte once; `facts` are kept with the file, so that no later look reads it whole."""

    def __init__(self) -> None:
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._size = 0
        self._nuls = [0, 0]  # at even and at odd places
        self._first_nul = -1
        self._is_ascii = True
        self._undefined = 0
        self._lost = 0

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes."""
        self._is_ascii = self._is_ascii and piece.isascii()
        self._count_nuls(piece)
        self._feed_utf8(piece, final=False)
        if not piece.isascii():
            self._undefined += len(piece) - len(piece.translate(None, UNDEFINED_IN_CP1252))
            self._lost += piece.count(LOST_LETTER)
        self._size += len(piece)

    def facts(self) -> dict[str, Any]:
        """Return what is known once every byte was seen."""
        self._feed_utf8(b"", final=True)
        return {
            "ascii": self._is_ascii,
            "utf_8": self._utf8 is not None,
            "cp1252": self._undefined == 0,
            "nuls": self._nuls,
            "first_nul": self._first_nul,
            "lost_letters": self._lost if self._utf8 is not None else 0,
        }

    def _count_nuls(self, piece: bytes) -> None:
        at = piece.find(b"\0")
        if at < 0:
            return
        if self._first_nul < 0:
            self._first_nul = self._size + at
        odd = self._size % 2
        self._nuls[odd] += piece[::2].count(0)
        self._nuls[1 - odd] += piece[1::2].count(0)

    def _feed_utf8(self, piece: bytes, *, final: bool) -> None:
        if self._utf8 is None:
            return
        try:
            self._utf8.decode(piece, final)
        except UnicodeDecodeError:
            self._utf8 = None

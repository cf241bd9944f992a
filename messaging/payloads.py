"""The wire form of a batch: one canonical JSON text, so that the same content is always the same bytes."""

from __future__ import annotations

import json
from typing import Any


def encode(mails: list[Any]) -> bytes:
    """Return the bytes that go out; `encode(decode(payload)) == payload` for everything we froze."""
    return json.dumps(mails, ensure_ascii=False, separators=(",", ":")).encode()


def decode(payload: bytes) -> list[dict[str, Any]]:
    mails: list[dict[str, Any]] = json.loads(payload)
    return mails


def halves(payload: bytes) -> tuple[bytes, bytes]:
    """Split a refused batch in two, each mail unchanged."""
    mails = decode(payload)
    middle = len(mails) // 2
    return encode(mails[:middle]), encode(mails[middle:])

"""A webhook between the wire and its row."""

from __future__ import annotations

import re
from dataclasses import dataclass

KIND_LENGTH = 64
PLAIN = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class BadWebhook(Exception):
    """It is not kept: the provider (or whoever it is) gets this status and this sentence."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified webhook: what it is, by what its repetition is known, and its raw form."""

    source: str
    dedupe_key: str
    kind: str
    body: str
    query: str = ""


def text_of(body: bytes) -> str:
    """Return a body as text that can be stored as it is; raise BadWebhook."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadWebhook("The body is not UTF-8.") from None
    if "\0" in text:
        raise BadWebhook("The body holds a NUL character.")
    return text


def plain(value: object, *, name: str) -> str:
    """Return an id or a kind that is short and plain; raise BadWebhook for anything else."""
    if not isinstance(value, str) or not PLAIN.fullmatch(value):
        raise BadWebhook(f"It has no {name}, or one that cannot be kept.")
    return value

"""Identifiers: UUID v7 inside (ordered by time), `prefix_` plus Crockford base 32 outside."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any, ClassVar, Self

from django.db import models

from core.errors import NotFound

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


def uuid7() -> uuid.UUID:
    """Return a UUID v7 (RFC 9562): 48 bits of milliseconds, 12 of their fraction (method 3), 62 random."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    chance = int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | chance)


def encode(prefix: str, key: uuid.UUID | int) -> str:
    """Return the public form of a key, such as `cmp_01jd…` or `msg_3k7`."""
    number = key.int if isinstance(key, uuid.UUID) else key
    pairs = []
    while number:
        pairs.append(PAIRS[number & 1023])
        number >>= 10
    return f"{prefix}_{''.join(reversed(pairs)).lstrip('0') or '0'}"


def decode(prefix: str, text: str) -> int:
    """Return the number behind a public id; raise NotFound for anything else."""
    start, _, letters = text.partition("_")
    if start != prefix or not 0 < len(letters) <= 26 or not VALUES.keys() >= set(letters):
        remedy = f"An id here looks like {prefix}_…."
        raise NotFound(f"There is no {text!r}.", value=text, remedy=remedy)
    number = 0
    for letter in letters:
        number = number * 32 + VALUES[letter]
    return number


class PublicIdModel(models.Model):
    """A row with a UUID v7 key that people see as `<id_prefix>_…`."""

    id_prefix: ClassVar[str]

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        return encode(self.id_prefix, self.id)

    @classmethod
    def from_public_id(cls, text: str) -> Self:
        """Return the row behind a public id; raise NotFound where there is none."""
        number = decode(cls.id_prefix, text)
        found: Any = None
        if number < 1 << 128:
            found = cls._default_manager.filter(pk=uuid.UUID(int=number)).first()
        if found is None:
            raise NotFound(f"There is no {text!r}.", value=text)
        return found


def name_of(obj: models.Model) -> str:
    """Return how records name a thing: its public id where it has one, else its key."""
    return str(getattr(obj, "public_id", obj.pk))

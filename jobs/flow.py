"""What an author declares about how many runs of a workflow go on at once, and how often they start.

`key` is a dotted path into the input: the limit then holds for each value of its own. A path that leads nowhere counts
as one value more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from jobs.paths import NOTHING, value_at

LONGEST = 80
#: As long as the name of a limit may be, so that what is put before it fits in as well.
LONGEST_NAME = 180


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most `limit` runs are held by workers at once; the others wait until one of them gives its worker back."""

    limit: int
    key: str = ""

    def __str__(self) -> str:
        return f"{self.limit} at once{_per(self.key)}"


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` starts in `seconds`, `burst` of them in one moment; the others start later."""

    limit: int
    seconds: float
    burst: int = 1
    key: str = ""

    def __str__(self) -> str:
        return f"{self.limit} starts in {self.seconds:g} s{_per(self.key)}"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` starts in `seconds`; the others are skipped, and say so."""

    limit: int
    seconds: float
    key: str = ""

    def __str__(self) -> str:
        return f"{self.limit} in {self.seconds:g} s{_per(self.key)}, others are skipped"


class Overlap(StrEnum):
    """What a second start of a singleton does."""

    SKIP = "skip"  #: the second is skipped
    CANCEL = "cancel"  #: the first is cancelled, and the second waits for its end


@dataclass(frozen=True, slots=True)
class Singleton:
    """At most one run that is not over."""

    key: str = ""
    overlap: Overlap = Overlap.SKIP

    def __str__(self) -> str:
        older = "a second is skipped" if self.overlap is Overlap.SKIP else "a second cancels it"
        return f"one{_per(self.key)}, {older}"


@dataclass(frozen=True, slots=True)
class Debounce:
    """A start waits until no other came for `seconds`, `at_most` seconds in all; of all that came the last counts."""

    seconds: float
    key: str = ""
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.seconds <= 0 or (self.at_most is not None and self.at_most < self.seconds):
            raise ValueError(f"{self!r}: seconds are above zero, and at_most is not less")

    def __str__(self) -> str:
        most = f", after {self.at_most:g} s at the latest" if self.at_most is not None else ""
        return f"begun after {self.seconds:g} s without another start{_per(self.key)}{most}"


@dataclass(frozen=True, slots=True)
class Batch:
    """One run takes `size` events, or those that came within `seconds` of the first. `key` leads into their data."""

    size: int
    seconds: float
    key: str = ""

    def __post_init__(self) -> None:
        if self.size < 2 or self.seconds <= 0:
            raise ValueError(f"{self!r}: a batch has two events or more, and some time to gather")

    def __str__(self) -> str:
        return f"{self.size} events at a time{_per(self.key)}, or those of {self.seconds:g} s"


def key_for(scope: str, path: str, input: Mapping[str, Any]) -> str:
    """Return the name under which a limit of a workflow counts: the same for all runs it holds for."""
    if not path:
        return scope
    value = value_at(input, path)
    text = "" if value is NOTHING else json.dumps(value, sort_keys=True, cls=DjangoJSONEncoder)
    if len(text) > LONGEST:
        text = hashlib.sha256(text.encode()).hexdigest()
    name = f"{scope}:{path}={text}"
    return name if len(name) <= LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()


def throttle_key(workflow: str, throttle: Throttle, input: Mapping[str, Any]) -> str:
    """Return the bucket that a throttle of a workflow takes its starts from."""
    return f"throttle:{key_for(workflow, throttle.key, input)}"


def _per(key: str) -> str:
    return f" for each {key}" if key else ""

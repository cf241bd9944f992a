"""What differs between two states of a JSON document, leaf by leaf: a pure comparison.

Members of a list are known by their `id`, as OCDS merges them; those without one by their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHOWN = 300
#: What every new release changes by itself.
UNTOLD = frozenset({"id", "date", "tag"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf: `None` where it did not stand, or stands no more."""

    path: str
    before: str | None
    after: str | None


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Return the leaves that differ, in the order of their paths."""
    old, new = dict(leaves(_told(before))), dict(leaves(_told(after)))
    paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return [Difference(path, old.get(path), new.get(path)) for path in paths]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each leaf with its path, such as `tender.items[2].quantity`, as people read it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            key = inner.get("id", place) if isinstance(inner, dict) else place
            yield from leaves(inner, f"{path}[{key}]")
    elif value is not None:
        yield path, str(value)[:SHOWN]


def _told(release: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in release.items() if name not in UNTOLD}

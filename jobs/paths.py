"""Dotted paths into JSON: `client.id` of `{"client": {"id": 7}}` is 7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What a path that leads nowhere is worth: equal to nothing that JSON can hold.
NOTHING = object()


def value_at(data: Any, path: str) -> Any:
    """Return what stands at a path, or NOTHING."""
    for name in path.split("."):
        if not isinstance(data, Mapping) or name not in data:
            return NOTHING
        data = data[name]
    return data


def agrees(data: Any, match: Mapping[str, Any]) -> bool:
    """Whether each path leads to the value that is asked for."""
    return all(value_at(data, path) == value for path, value in match.items())

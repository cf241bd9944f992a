"""What events are found by: pure.

A key is an event's name and its values at some paths, spelt in one way only: `order.paid?{"client":7}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from jobs.paths import NOTHING, value_at

LONGEST = 200
Match = Mapping[str, Any]


def key_of(name: str, match: Match) -> str:
    """Return the key of the events of a name that have these values at these paths."""
    if not match:
        return name
    values = json.loads(json.dumps(dict(match), cls=DjangoJSONEncoder))
    text = f"{name}?{_canonical(values)}"
    return text if len(text) <= LONGEST else digest(text)


def keys_of(name: str, data: Any, shapes: Iterable[Iterable[str]]) -> set[str]:
    """Return the keys of one event: one for each set of paths that all lead somewhere in its data."""
    found = ({path: value_at(data, path) for path in paths} for paths in shapes)
    return {key_of(name, values) for values in found if NOTHING not in values.values()}


def fits(data: Any, match: Match) -> bool:
    """Whether data has these values at these paths, as keys compare them: `1` is `1.0`, and `true` is neither."""
    return key_of("", match) in keys_of("", data, [match])


def signature_of(paths: Iterable[str]) -> str:
    """Return what tells one set of paths from another."""
    return digest(json.dumps(sorted(paths)))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _plain(value: Any) -> Any:
    """Spell whole numbers alike: JSON does not tell `7` from `7.0`."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value

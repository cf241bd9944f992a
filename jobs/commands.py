"""What the engine's commands share."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError


def json_object(text: str, *, option: str = "--input") -> dict[str, Any]:
    """Return the JSON object that a text spells; refuse anything else, naming it."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise CommandError(f'{option} {text!r} is not a JSON object. Write it like {{"name": 1}}.')
    return value

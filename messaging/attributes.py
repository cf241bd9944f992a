"""What may be stored about a person beyond the known fields: names for templates, JSON values."""

from __future__ import annotations

import json
import re
from typing import Any

from core.api.parsing import is_storable
from core.errors import Refused

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_BYTES = 16 * 1024
#: The texts of a contact that are stored as they are given, and how long they may be.
TEXT_LENGTHS = {"first_name": 120, "last_name": 120, "locale": 16}


def clean_text(value: Any, *, field: str, max_length: int | None = None) -> str:
    """Return trimmed text that every database can store; raise Refused for any other value."""
    if not isinstance(value, str):
        raise Refused(f"{field} is text.", field=field, value=value, remedy="Give a string.")
    if not is_storable(value):
        raise Refused(
            f"{field} holds a character that cannot be stored.",
            field=field,
            value=value,
            remedy="Remove NUL characters and broken letters.",
        )
    text = value.strip()
    if max_length is not None and len(text) > max_length:
        raise Refused(
            f"{field} is longer than {max_length} characters.",
            field=field,
            value=text,
            remedy="Shorten it.",
        )
    return text


def clean_attributes(value: Any) -> dict[str, Any]:
    """Return attributes as they are stored; raise Refused where a name or the size may not be."""
    if not isinstance(value, dict):
        raise Refused(
            "attributes is an object of names and values.",
            field="attributes",
            value=value,
            remedy='Write it like {"company": "Acme"}.',
        )
    for name in value:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Refused(
                f"{name!r} cannot name an attribute.",
                field="attributes",
                value=name,
                remedy="Use lower-case letters, digits and _; start with a letter.",
            )
    _check_storable(value)
    return value


def attribute_name(heading: str) -> str:
    """Return a column heading as an attribute's name: `Date of birth` becomes `date_of_birth`."""
    words = re.sub(r"[^a-z0-9]+", "_", heading.strip().lower()).strip("_")[:64].rstrip("_")
    return words if NAME.fullmatch(words) else f"column_{words}"[:64].rstrip("_")


def _check_storable(value: dict[str, Any]) -> None:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise Refused(
            "attributes hold a value that is not JSON.",
            field="attributes",
            remedy="Use text, numbers, true, false, null, lists and objects.",
        ) from None
    if not is_storable(text) or "\\u0000" in text or len(text.encode()) > MAX_BYTES:
        raise Refused(
            f"attributes hold a NUL or broken character, or more than {MAX_BYTES:,} bytes.",
            field="attributes",
            remedy="Remove such characters, and keep only what templates use.",
        )

"""Bodies are JSON, whole, of bounded size, and hold only what a database can keep."""

from __future__ import annotations

import json
import math
import re
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

#: A NUL character, or half of a surrogate pair: no database keeps them.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"


class JsonParser(BaseParser):
    """Parses `application/json`; anything else in the body is a 400 that says where it went wrong."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes. Send less at a time.")
        data = load(body)
        refuse_unstorable(data)
        return data


def load(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=refuse_constant)
    except RecursionError:
        raise ParseError("The body is nested too deeply.") from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}.", code="not_json") from None


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def refuse_unstorable(data: Any) -> None:
    """Refuse NUL characters, half surrogate pairs and infinite numbers, wherever they stand."""
    if reason := why_unstorable(data):
        raise ParseError(f"The body has {reason}.")


def why_unstorable(data: Any) -> str:
    """Return what a database cannot keep of some JSON, in words; empty where it can keep all of it."""
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and not is_storable(value):
            return "a NUL character or half a surrogate pair in a text"
        elif isinstance(value, float) and not math.isfinite(value):
            return "a number too large to keep"
    return ""


def storable(data: Any) -> Any:
    """Return JSON as a database can keep it: without such characters, and null for a number too large."""
    if isinstance(data, dict):
        return {storable(key): storable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [storable(value) for value in data]
    if isinstance(data, str):
        return UNSTORABLE.sub("", data)
    return None if isinstance(data, float) and not math.isfinite(data) else data


def is_storable(text: str) -> bool:
    return UNSTORABLE.search(text) is None


def legible(text: str) -> str:
    """Return a text with a mark in the place of each character that no database keeps."""
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)

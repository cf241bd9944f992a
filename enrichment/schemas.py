"""JSON schemas as strict answers need them: every object closed, every member required. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TEXT = {"type": "string"}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
DEEPEST = 10


def record(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": dict(members),
        "required": list(members),
        "additionalProperties": False,
    }


def listing(items: Mapping[str, Any], *, most: int) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "maxItems": most}


def flaws(schema: Any, *, path: str = "schema", depth: int = 0) -> Iterator[str]:
    """Yield what keeps a schema from being a strict one (OpenAI's Structured Outputs)."""
    if not isinstance(schema, Mapping):
        yield f"{path} is not an object."
        return
    if depth > DEEPEST:
        yield f"{path} lies deeper than {DEEPEST} levels."
        return
    if depth == 0 and schema.get("type") != "object":
        yield "The root must be an object."
    if schema.get("type") == "object":
        yield from _flaws_of_object(schema, path)
        for name, member in (schema.get("properties") or {}).items():
            yield from flaws(member, path=f"{path}.{name}", depth=depth + 1)
    if schema.get("type") == "array":
        yield from flaws(schema.get("items"), path=f"{path}[]", depth=depth + 1)


def _flaws_of_object(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    members = schema.get("properties")
    if not isinstance(members, Mapping) or not members:
        yield f"{path} has no properties."
        return
    if set(schema.get("required") or ()) != set(members):
        yield f"{path}: every property must be required."
    if schema.get("additionalProperties") is not False:
        yield f"{path}: additionalProperties must be false."

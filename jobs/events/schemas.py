"""What events of a name must look like, where somebody has said so."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from core.errors import Refused

_schemas: dict[str, type[BaseModel]] = {}


def declare_event(name: str, *, schema: type[BaseModel]) -> None:
    """Have every event of a name fit a schema from now on. Stands in an app's `workflows.py`."""
    known = _schemas.get(name)
    if known and known.__qualname__ != schema.__qualname__:
        raise ValueError(f"two schemas are declared for events named {name!r}")
    _schemas[name] = schema


def schema_of(name: str) -> type[BaseModel] | None:
    return _schemas.get(name)


def declared() -> dict[str, type[BaseModel]]:
    """Return every declared schema by the name of its events."""
    return dict(sorted(_schemas.items()))


def check(name: str, data_text: str) -> None:
    """Refuse data (as JSON text) that misses the schema of its event, naming the first field that does."""
    schema = _schemas.get(name)
    if schema is None:
        return
    try:
        schema.model_validate_json(data_text)
    except ValidationError as error:
        raise _refusal(name, schema, error) from error


def _refusal(name: str, schema: type[BaseModel], error: ValidationError) -> Refused:
    wrong = error.errors(include_url=False)
    words = [f"{_place(each['loc'])}: {each['msg'].lower()}" for each in wrong]
    first = wrong[0]
    return Refused(
        f"The data of {name} does not fit: {'; '.join(words)}.",
        field=".".join(["data", *map(str, first["loc"])]),
        value=None if first["type"] == "missing" else first["input"],
        remedy=f"It has {', '.join(schema.model_fields) or 'no members'}.",
        code="schema",
    )


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "the data"

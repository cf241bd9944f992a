"""Typed inputs: a workflow's own annotations say what it can be started with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import PydanticSerializationError

from core.errors import PermanentFailure, Refused


class InputMismatch(PermanentFailure):
    """The code no longer takes the input that the run was started with."""


class InputShape:
    """What a workflow function takes beside its run: checked at a start, made into objects at each entry."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._function = function

    def check(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """Return the input as it is kept; refuse, naming the field, what the function could not be called with."""
        if self._is_open and self._own_name in input:
            raise Refused(
                f"{self._name} calls its run {self._own_name!r}, so its input cannot have that name.",
                field=f"input.{self._own_name}",
                value=input[self._own_name],
                remedy="Give the first parameter of the workflow another name.",
            )
        try:
            model = self.model.model_validate(dict(input))
        except ValidationError as error:
            raise self._refusal(error) from error
        try:
            return model.model_dump(mode="json", exclude_unset=True)
        except PydanticSerializationError as error:
            raise Refused(
                f"The input of a run must be JSON: {error}.", field="input", code="not_json"
            ) from error

    def read(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """Return stored input as the arguments of the function."""
        try:
            model = self.model.model_validate(dict(input))
        except ValidationError as error:
            raise InputMismatch(
                f"{self._name} was changed and no longer takes what this run was started with: {_in_words(error)}."
            ) from error
        named = {
            name: getattr(model, name) for name in model.model_fields_set if name in self.names
        }
        return {**named, **(model.model_extra or {})}

    def among(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return those members of an event's data that the function takes."""
        is_open = self.model.model_config.get("extra") == "allow"
        return {name: data[name] for name in data if is_open or name in self.names}

    @cached_property
    def _own_name(self) -> str:
        """The name under which the function takes its run, where that is open to be taken for an input."""
        first = next(iter(signature(self._function).parameters.values()))
        return "" if first.kind is Parameter.POSITIONAL_ONLY else first.name

    @cached_property
    def _is_open(self) -> bool:
        """Whether the function takes whatever it is given."""
        kinds = {each.kind for each in signature(self._function).parameters.values()}
        return Parameter.VAR_KEYWORD in kinds

    @cached_property
    def names(self) -> dict[str, Parameter]:
        """The parameters after the run."""
        _run, *rest = signature(self._function).parameters.values()
        return {each.name: each for each in rest if each.kind is not Parameter.VAR_KEYWORD}

    @cached_property
    def model(self) -> type[BaseModel]:
        hints = self._hints()
        fields: dict[str, Any] = {
            name: (hints.get(name, Any), ... if each.default is Parameter.empty else each.default)
            for name, each in self.names.items()
        }
        config = ConfigDict(
            extra="allow" if self._is_open else "forbid",
            arbitrary_types_allowed=True,
            protected_namespaces=(),
        )
        return create_model(f"Input of {self._name}", __config__=config, **fields)

    def _hints(self) -> dict[str, Any]:
        """Return the types of these parameters alone: those of others may be known to type checkers only."""
        ours = {
            name: hint
            for name, hint in self._function.__annotations__.items()
            if name in self.names
        }
        bearer = type("Annotated", (), {"__annotations__": ours})
        return get_type_hints(bearer, globalns=self._function.__globals__, include_extras=True)

    def _refusal(self, error: ValidationError) -> Refused:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        taken = ", ".join(self.names) or "no input"
        return Refused(
            f"{self._name} cannot be started with this input: {_in_words(error)}.",
            field=f"input.{field}" if field else "input",
            value=None if first["type"] == "missing" else first["input"],
            remedy=f"It takes {taken}.",
        )


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'the input'}: {each['msg'].lower()}"
        for each in error.errors()
    )

"""The workflows of the house, by their stable names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

from core.errors import NotFound, Refused
from jobs.retrying import DEFAULT_RETRY, Retry

WorkflowFunction = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A function `(run, **input)` under a name that is stored for years."""

    name: str
    function: WorkflowFunction
    retry: Retry
    on_failure: str
    cron: str
    time_zone: str

    def check_input(self, input: dict[str, Any]) -> None:
        """Refuse input that the function could not be called with: no attempt at it would ever succeed."""
        taken = signature(self.function)
        try:
            taken.bind(None, **input)
        except TypeError as error:
            _run, *names = taken.parameters
            raise Refused(
                f"{self.name} cannot be started with this input: {error}.",
                field="input",
                value=input,
                remedy=f"It takes {', '.join(names) or 'no input'}.",
            ) from error


_workflows: dict[str, Workflow] = {}


def workflow(
    name: str,
    *,
    retry: Retry = DEFAULT_RETRY,
    on_failure: str = "",
    cron: str = "",
    time_zone: str = "UTC",
) -> Callable[[WorkflowFunction], WorkflowFunction]:
    """Register a function as a workflow.

    `on_failure` names a workflow that is started once when a run fails for good, with input
    `run` (public id), `input` and `error`. `cron` starts the workflow without input at each slot in `time_zone`.
    """

    def register(function: WorkflowFunction) -> WorkflowFunction:
        known = _workflows.get(name)
        if known and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"two workflows are named {name!r}")
        _workflows[name] = Workflow(name, function, retry, on_failure, cron, time_zone)
        return function

    return register


def get(name: str) -> Workflow:
    """Return a workflow; raise NotFound naming those there are."""
    try:
        return _workflows[name]
    except KeyError:
        raise NotFound(
            f"There is no workflow {name!r}.",
            field="workflow",
            value=name,
            remedy=f"Known are: {', '.join(sorted(_workflows)) or 'none'}.",
        ) from None


def is_known(name: str) -> bool:
    return name in _workflows


def everything() -> list[Workflow]:
    return [_workflows[name] for name in sorted(_workflows)]

"""The workflows of the house, by their stable names and versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import NotFound
from jobs.flow import Batch, Concurrency, Debounce, Overlap, RateLimit, Singleton, Throttle
from jobs.inputs import InputShape
from jobs.retrying import DEFAULT_RETRY, Retry
from jobs.triggers import CancelOn, Trigger

WorkflowFunction = Callable[..., Any]
#: So many kinds of slots a run can take at once.
MOST_SLOTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A function `(run, **input)` under a name that is stored for years."""

    name: str
    function: WorkflowFunction
    version: int = 1
    retry: Retry = DEFAULT_RETRY
    on_failure: str = ""
    on_cancel: str = ""
    cron: str = ""
    time_zone: str = "UTC"
    triggers: tuple[Trigger, ...] = ()
    cancel_on: tuple[CancelOn, ...] = ()
    concurrency: tuple[Concurrency, ...] = ()
    throttle: Throttle | None = None
    rate_limit: RateLimit | None = None
    singleton: Singleton | None = None
    debounce: Debounce | None = None
    batch: Batch | None = None
    queue: str = ""
    priority: int = 0
    deadline: float | None = None
    start_within: float | None = None
    is_chore: bool = False
    inputs: InputShape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", InputShape(self.name, self.function))
        taken = len(self.concurrency) + (self.singleton is not None and self._cancels_the_older())
        if taken > MOST_SLOTS:
            raise ValueError(
                f"{self.name}: at most {MOST_SLOTS} limits of concurrency fit on a run;"
                " a singleton that cancels the older takes one"
            )
        if sum(each is not None for each in (self.singleton, self.debounce, self.batch)) > 1:
            raise ValueError(f"{self.name}: singleton, debounce and batch exclude each other")
        if self.batch and not self.triggers:
            raise ValueError(f"{self.name}: a batch is one of events, and it has no triggers")

    def _cancels_the_older(self) -> bool:
        return self.singleton is not None and self.singleton.overlap is Overlap.CANCEL

    def check_input(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """Return input as it is kept; refuse what the function could not be called with: no attempt would succeed."""
        return self.inputs.check(input)

    @property
    def limits(self) -> list[str]:
        """What holds its runs back, in words."""
        declared = [
            *self.concurrency,
            self.throttle,
            self.rate_limit,
            self.singleton,
            self.debounce,
            self.batch,
        ]
        words = [str(each) for each in declared if each]
        if self.deadline:
            words.append(f"over within {self.deadline:g} s")
        if self.start_within:
            words.append(f"begun within {self.start_within:g} s")
        words += [f"cancelled by event {each.describe()}" for each in self.cancel_on]
        return words


_workflows: dict[str, dict[int, Workflow]] = {}


def workflow(
    name: str,
    *,
    version: int = 1,
    retry: Retry = DEFAULT_RETRY,
    on_failure: str = "",
    on_cancel: str = "",
    cron: str = "",
    time_zone: str = "UTC",
    triggers: Sequence[Trigger] = (),
    cancel_on: Sequence[CancelOn] = (),
    concurrency: int | Sequence[Concurrency] = (),
    throttle: Throttle | None = None,
    rate_limit: RateLimit | None = None,
    singleton: Singleton | None = None,
    debounce: Debounce | None = None,
    batch: Batch | None = None,
    queue: str = "",
    priority: int = 0,
    deadline: float | None = None,
    start_within: float | None = None,
    is_chore: bool = False,
) -> Callable[[WorkflowFunction], WorkflowFunction]:
    """Register a function as a workflow.

    `on_failure` and `on_cancel` name workflows that are started once when a run ends so for good, with input `run`
    (public id), `input` and, of a failure, `error`. `cron` starts the workflow without input at each slot in
    `time_zone`; events start it by its `triggers` and cancel its runs by `cancel_on`. Starts of a debounced workflow
    become one run, and so do the events of a batch: the function takes no input for them, and finds them in
    `run.events`. `priority` moves its runs forward in the queue by so many seconds. `queue` names another than
    `main`, for work that must not wait behind the rest or must not keep it waiting. `deadline` is how many seconds
    after its start a run must be over, `start_within` how many after its being due it must have begun. The completed
    runs of a chore are forgotten like those of cron.

    A run is driven by the version it began under, as long as that is registered; new runs begin under the greatest.
    """
    limits = (Concurrency(concurrency),) if isinstance(concurrency, int) else tuple(concurrency)

    def register(function: WorkflowFunction) -> WorkflowFunction:
        known = _workflows.setdefault(name, {})
        if version in known and known[version].function.__qualname__ != function.__qualname__:
            raise ValueError(f"two workflows are named {name!r} (version {version})")
        known[version] = Workflow(
            name=name,
            function=function,
            version=version,
            retry=retry,
            on_failure=on_failure,
            on_cancel=on_cancel,
            cron=cron,
            time_zone=time_zone,
            triggers=tuple(triggers),
            cancel_on=tuple(cancel_on),
            concurrency=limits,
            throttle=throttle,
            rate_limit=rate_limit,
            singleton=singleton,
            debounce=debounce,
            batch=batch,
            queue=queue,
            priority=priority,
            deadline=deadline,
            start_within=start_within,
            is_chore=is_chore,
        )
        return function

    return register


def get(name: str, *, version: int | None = None) -> Workflow:
    """Return a workflow in its newest version or in this one; raise NotFound naming what there is."""
    versions = _workflows.get(name)
    if not versions:
        raise NotFound(
            f"There is no workflow {name!r}.",
            field="workflow",
            value=name,
            remedy=f"Known are: {', '.join(sorted(_workflows)) or 'none'}.",
        )
    number = max(versions) if version is None else version
    if number not in versions:
        raise NotFound(
            f"There is no version {version} of {name!r}.",
            field="version",
            value=version,
            remedy=f"Known are: {', '.join(map(str, sorted(versions)))}.",
        )
    return versions[number]


def is_known(name: str) -> bool:
    return bool(_workflows.get(name))


def everything() -> list[Workflow]:
    """Return every workflow in its newest version, by name."""
    return [get(name) for name in sorted(_workflows) if is_known(name)]

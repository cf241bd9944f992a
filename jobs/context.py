"""What a workflow function sees of its run.

The function is entered from the top whenever the run wakes; finished steps answer from their checkpoint. So keep what
has an effect inside steps, and do not catch BaseException: leaving early is how a run gives its worker back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from core import clock
from jobs import children
from jobs.children import Brood, Failures
from jobs.events.finding import On, Received
from jobs.interrupts import (
    Suspended,
)
from jobs.leases import renew
from jobs.models import EffectKind, EventEffect
from jobs.retrying import Retry
from jobs.states import StepKind, StepStatus
from jobs.stepping import Stepping


class RunContext(Stepping):
    """The `run` argument of a workflow."""

    @property
    def id(self) -> str:
        return self._run.public_id

    @property
    def version(self) -> int:
        """The version of the workflow that the run began under."""
        return self._run.version

    @property
    def actor(self) -> str:
        """Who started the run."""
        return self._run.actor

    @property
    def idempotency_key(self) -> str:
        """A key for the outside that stays the same over every attempt of the present step."""
        assert self.current, "idempotency_key is for use inside a step"
        return f"{self._run.public_id}:{self.current.key}"

    # --- steps -----------------------------------------------------------------------------------------------------

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        retry: Retry | None = None,
        timeout: float | None = None,
        **kw: Any,
    ) -> Any:
        """Run something outside of any transaction, at least once, and keep its (JSON) answer.

        An attempt that takes longer than `timeout` seconds is stopped, and has failed.
        """
        return self._checkpointed(
            name, StepKind.OUTSIDE, lambda: function(*args, **kw), retry, timeout
        )

    def transaction(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        retry: Retry | None = None,
        timeout: float | None = None,
        **kw: Any,
    ) -> Any:
        """Run something in one transaction together with its checkpoint: exactly once. `timeout` as for a step."""
        return self._checkpointed(
            name, StepKind.DATABASE, lambda: function(*args, **kw), retry, timeout
        )

    def sleep(self, name: str, seconds: float) -> None:
        """Wait so long, holding no worker. The moment of waking is stored once and survives restarts."""
        record = self._enter(name, StepKind.SLEEP)
        self._sleep(record, record.wake_at or clock.now() + timedelta(seconds=seconds))

    def sleep_until(self, name: str, at: datetime) -> None:
        """Wait until a moment, holding no worker. A run that is woken early (`wake_run`) takes the moment anew."""
        record = self._enter(name, StepKind.SLEEP)
        if record.wake_at is not None and clock.now() >= record.wake_at:
            at = record.wake_at
        self._sleep(record, at)

    def snooze(self, seconds: float = 0) -> None:
        """Give the worker back and be entered from the top after so long, behind the runs that wait then."""
        self._leave(Suspended(clock.now() + timedelta(seconds=seconds), to_the_back=True))

    # --- events ----------------------------------------------------------------------------------------------------

    @property
    def event(self) -> Received | None:
        """The event that started the run."""
        return Received.of(self._run.event) if self._run.event else None

    @property
    def events(self) -> list[Received]:
        """All the events that started the run, the oldest first: of a batch, those that it gathered."""
        starts = EventEffect.objects.filter(run=self._run, kind=EffectKind.STARTED)
        rows = starts.select_related("event").order_by("event_id")
        return [Received.of(effect.event) for effect in rows]

    def wait_for(
        self,
        name: str,
        event: str,
        *,
        match: Mapping[str, Any] | None = None,
        when: Callable[[Received], bool] | None = None,
        timeout: float | None = None,
    ) -> Received | None:
        """Wait, without a worker, for an event with these values at these paths of its data.

        It counts from the run's start on, though it comes before the wait, and once for each run. `when` is a further
        condition. None after `timeout` seconds.
        """
        return self.wait_any(name, On(event, match or {}, when), timeout=timeout)

    def wait_any(self, name: str, *wanted: On, timeout: float | None = None) -> Received | None:
        """Wait for the first of several events; None after `timeout` seconds."""
        record = self._enter(name, StepKind.WAIT)
        if record.status != StepStatus.COMPLETED:
            if record.status == StepStatus.RUNNING and timeout is not None:
                record.wake_at = clock.now() + timedelta(seconds=timeout)
            record = self._received(record, wanted)
        return Received.read(record.output) if record.output else None

    # --- other runs ------------------------------------------------------------------------------------------------

    def map(
        self,
        name: str,
        workflow: str,
        inputs: Iterable[Mapping[str, Any]],
        *,
        parallel: int | None = None,
        failures: str = Failures.RAISE,
    ) -> list[Any]:
        """Start a workflow once per input, hold no worker until all have ended, and return their outputs in order.

        At most `parallel` of them are under way at once. `failures`: "raise" ChildrenFailed when all have ended, "stop"
        at the first and cancel the others, or "keep" each ChildFailed in the place of its output.
        """
        policy = Failures(failures)
        kept = self._joined(name, Brood(workflow, list(inputs), parallel, policy))
        failed = children.failures_of(kept)
        return [failed.get(place, output) for place, output in enumerate(kept["outputs"])]

    def invoke(self, name: str, workflow: str, **input: Any) -> Any:
        """Start another workflow, hold no worker until it has ended, and return its output. Raises ChildrenFailed."""
        return self.map(name, workflow, [input])[0]

    # --- changing code ---------------------------------------------------------------------------------------------

    def patched(self, name: str) -> bool:
        """Whether this run goes the new way: true for runs that had not passed this place when the code changed."""
        key = f"patch: {name}"
        if key in self._known:
            self._unseen.discard(key)
            return True
        if self._unseen:
            return False
        self._complete(self._enter(key, StepKind.MARK), None)
        return True

    # --- staying in touch ------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Prove and extend the lease, in the caller's transaction if there is one; count as progress.

        Leaves the run here if somebody cancelled or paused it, or if it is held by another.
        """
        self._heed(renew(self._lease))

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Show how far the run (and the present step) has come; written at most twice a second, and at the end."""
        self._progress.report(done, total, text, step=self.current)

"""Control flow of the engine: not errors, and not to be caught by workflows (hence BaseException)."""

from __future__ import annotations

from datetime import datetime


class Interrupt(BaseException):
    """Leaves a workflow function early; the engine decides what happens to the run."""


class Suspended(Interrupt):
    """The run waits until `due_at` and gives its worker back. `sort_at` re-queues it behind the others."""

    def __init__(self, due_at: datetime, *, to_the_back: bool = False) -> None:
        super().__init__(f"until {due_at}")
        self.due_at = due_at
        self.to_the_back = to_the_back


class Parked(Interrupt):
    """The run has been let go already, in the transaction that wrote what it waits for."""


class RunCancelled(Interrupt):
    """A person asked for the run to end."""


class RunPaused(Interrupt):
    """A person asked for the run to rest until it is resumed."""


class DeadlinePassed(Interrupt):
    """The run should have been over by now."""


class LeaseLost(Interrupt):
    """Somebody else drives this run now: whatever was about to be written must not be."""

"""When to try again: a pure decision."""

from __future__ import annotations

import random
from dataclasses import dataclass

from core.errors import PermanentFailure, Refused

JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Retry:
    """The distances in seconds between attempts; one attempt more than there are distances."""

    delays: tuple[float, ...] = (60, 300, 1800)

    def delay_after(self, attempts: int) -> float | None:
        """Return the seconds to wait after so many failed attempts, or None when the last was made."""
        if attempts > len(self.delays):
            return None
        return self.delays[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


DEFAULT_RETRY = Retry()
NO_RETRY = Retry(())


def is_final(error: Exception) -> bool:
    """Tell whether trying again cannot help."""
    return isinstance(error, PermanentFailure | Refused)

"""The errors of the house: refused (a person asked for what may not be), transient, permanent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core import clock


class Refused(Exception):
    """What was asked may not be; nothing was changed.

    Names the field (dotted, where it lies deeper), the value and the remedy.
    """

    code = "refused"
    status = 422

    def __init__(
        self, message: str, *, field: str = "", value: Any = None, remedy: str = "", code: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.value = value
        self.remedy = remedy
        self.code = code or type(self).code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Conflict(Refused):
    """The thing is not in a state that allows this, often because somebody was faster."""

    code = "conflict"
    status = 409


class NotAllowed(Refused):
    """The actor lacks the permission."""

    code = "not_allowed"
    status = 403


class NotFound(Refused):
    """No such thing."""

    code = "not_found"
    status = 404


class TransientFailure(Exception):
    """It failed now and may work later: retried by the engine's table."""


class PermanentFailure(Exception):
    """Trying again cannot help: the run fails at once."""


class RetryAfter(Exception):
    """Try again at a stated moment; does not count as an attempt."""

    def __init__(
        self, message: str = "", *, seconds: float = 0, until: datetime | None = None
    ) -> None:
        super().__init__(message or "asked to wait")
        self.until = until or clock.now() + timedelta(seconds=seconds)

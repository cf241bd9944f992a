"""What a failure of the network says about a request: did it reach the other side, or surely not?"""

from __future__ import annotations

import ssl

import requests
from urllib3.exceptions import NewConnectionError

from messaging.providers.base import InDoubt, NotNow, ProviderOutcome

#: A provider that cannot be reached is tried again after so long.
UNREACHABLE_SECONDS = 10.0


def outcome_of(error: requests.RequestException) -> ProviderOutcome:
    """Return NotNow where the request never left (no route, no name, refused, not trusted), else InDoubt."""
    name = type(error).__name__
    if never_left(error):
        return NotNow("unreachable", name, wait=UNREACHABLE_SECONDS)
    return InDoubt("no_answer", name)


def never_left(error: requests.RequestException) -> bool:
    """Whether a request surely failed before its first byte went out."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, NewConnectionError):
        return True
    cause = reason.args[0] if reason is not None and reason.args else None
    return isinstance(cause, ssl.SSLCertVerificationError)

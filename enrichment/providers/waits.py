"""How long a provider asks us to wait, in its headers: `retry-after-ms`, `retry-after`, `x-ratelimit-*`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from core import clock

DEFAULT_WAIT = 10.0
LONGEST_WAIT = 3600.0
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
KINDS = ("requests", "tokens")


def wait_of(headers: Mapping[str, str]) -> float:
    """Return the seconds after which a refused call is worth repeating."""
    if (exact := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(exact / 1000)
    if (told := headers.get("retry-after")) is not None:
        seconds = _number(told)
        return _bounded(seconds if seconds is not None else _until(told))
    return _bounded(rest_of(headers) or DEFAULT_WAIT)


def rest_of(headers: Mapping[str, str]) -> float:
    """Return the seconds to rest after a call that used up what is allowed; 0.0 where something is left."""
    resets = [
        duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in KINDS
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return min(max(resets, default=0.0), LONGEST_WAIT)


def duration(text: str) -> float:
    """Return a duration such as `1s`, `6m0s` or `20ms` in seconds; 0.0 for anything else."""
    parts = _PART.findall(text)
    is_whole = "".join(number + unit for number, unit in parts) == text.strip()
    return sum(float(number) * _SECONDS[unit] for number, unit in parts) if is_whole else 0.0


def _until(text: str) -> float:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return DEFAULT_WAIT
    return (moment - clock.now()).total_seconds() if moment.tzinfo else DEFAULT_WAIT


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.01), LONGEST_WAIT)

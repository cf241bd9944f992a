"""Asking a source as politely as it wants: one limiter per host, shared by every worker and machine.

A wait that a host asks for is kept in the database, so it holds over restarts and for all who would ask that host.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from django.conf import settings

from core.fetching import FetchError, fetch
from jobs import limits

#: What a host means by "too fast" where its source does not say.
TOO_FAST = (429, 503)
MOST_BYTES = 64 * 1024 * 1024
#: No host makes us wait for longer, whatever it says.
LONGEST_WAIT = 6 * 3600.0
#: So long a worker waits for its turn at a host that is asked several times in one step.
IN_PLACE_SECONDS = 5.0
AGENT = "Longhaul/1 (+{url})"


class MustWait(Exception):
    """Nobody may ask this host for so many seconds. `was_told` by the host itself, after we asked."""

    def __init__(self, seconds: float, *, was_told: bool = False, status: int = 0) -> None:
        super().__init__(f"The host wants us to wait for {seconds:.0f} s.")
        self.seconds = seconds
        self.was_told = was_told
        self.status = status


class AskFailed(Exception):
    """There is no usable answer; says why. `status` is 0 where there was none at all."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How a host wants to be asked."""

    interval_seconds: float
    timeout_seconds: float = 60.0
    limit_statuses: Collection[int] = TOO_FAST
    wait_seconds: float = 120.0
    headers: Mapping[str, str] | None = None


def key_of(url: str) -> str:
    """Return the name under which a host's pace is kept."""
    return f"host:{urlsplit(url).netloc.lower()}"


def ask(url: str, manners: Manners) -> bytes:
    """Return the body of an answer 200. Raises MustWait, having asked nothing or having been told; or AskFailed."""
    key = key_of(url)
    wait = limits.take(key, amount=1, per_second=1 / manners.interval_seconds, burst=1)
    if wait:
        raise MustWait(wait)
    try:
        answer = fetch(
            url,
            seconds=manners.timeout_seconds,
            max_bytes=MOST_BYTES,
            headers={
                "User-Agent": AGENT.format(url=settings.PUBLIC_URL),
                **(manners.headers or {}),
            },
            private_hosts=settings.TENDER_PRIVATE_HOSTS,
        )
    except FetchError as error:
        raise AskFailed(str(error)) from error
    if answer.status in manners.limit_statuses:
        seconds = retry_after(answer.headers) or manners.wait_seconds
        limits.pause_key(key, seconds=seconds)
        raise MustWait(seconds, was_told=True, status=answer.status)
    if answer.status != 200:
        raise AskFailed(f"It answers {answer.status}.", status=answer.status)
    return answer.body


def ask_in_turn(url: str, manners: Manners) -> bytes:
    """Ask as soon as the pace of the host allows, waiting in place for a moment; raise MustWait for longer waits."""
    patience = time.monotonic() + IN_PLACE_SECONDS
    while True:
        try:
            return ask(url, manners)
        except MustWait as wait:
            if wait.was_told or time.monotonic() + wait.seconds > patience:
                raise
            time.sleep(wait.seconds)


def is_left_alone(url: str) -> bool:
    """Whether a host wants nobody to ask it now: a wait is its wish, and not our own pace."""
    return limits.paused_for(key_of(url)) > 0


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of a `Retry-After` (RFC 9110, 10.2.3: seconds or a date); 0.0 where there is none to use."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return min(float(given), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return 0.0
    now = datetime.now(UTC)  # the host's clock and not the house's: a limit is real time
    left = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return min(max(left, 0.0), LONGEST_WAIT)

"""Zoom's REST API with a server-to-server token (developers.zoom.us/docs/internal-apps/s2s-oauth)."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import requests
from django.conf import settings

from core import clock
from core.errors import PermanentFailure, RetryAfter, TransientFailure
from messaging.providers.connections import TIMEOUT, KeptAlive

UNAUTHORISED, TOO_MANY = 401, 429
#: A token that ends so soon is not used any more.
MARGIN_SECONDS = 60.0
#: Where Zoom asks us to wait and does not say for how long.
WAIT_SECONDS = 10.0
#: Who is asked to wait longer has used up a limit of the day; that is trouble, and nobody's messages wait for its end.
LONGEST_WAIT_SECONDS = 120.0
#: For how long a token is good where Zoom does not say.
TOKEN_SECONDS = 3600.0


class ZoomAway(TransientFailure):
    """Zoom did not answer, or answered that it cannot now."""


class ZoomRefused(PermanentFailure):
    """Zoom will not do this, however often it is asked."""


_connection = KeptAlive()
_lock = threading.Lock()
_token: dict[str, Any] = {}


def is_configured() -> bool:
    """Whether there is an account to act for."""
    return bool(
        settings.ZOOM_ACCOUNT_ID and settings.ZOOM_CLIENT_ID and settings.ZOOM_CLIENT_SECRET
    )


def add_registrant(meeting: str, *, email: str, first_name: str, last_name: str) -> tuple[str, str]:
    """Register a person with a meeting; return the registrant's id and their own link.

    Zoom knows registrants by their address: a second call answers with the first one's. Raises ZoomRefused, ZoomAway
    or RetryAfter.
    """
    body = {"email": email, "first_name": first_name or email.partition("@")[0]}
    if last_name:
        body["last_name"] = last_name
    answer = _post(f"/meetings/{meeting}/registrants", body)
    try:
        return str(answer["registrant_id"]), str(answer["join_url"])
    except KeyError as missing:
        raise ZoomRefused(f"Zoom's answer has no {missing}.") from None


def _post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call once; with a fresh token once more where the old one is not accepted."""
    response = _call(path, body, token=_access_token())
    if response.status_code == UNAUTHORISED:
        _token.clear()
        response = _call(path, body, token=_access_token())
    return _answer(response)


def _call(path: str, body: dict[str, Any], *, token: str) -> requests.Response:
    return _send(
        f"{settings.ZOOM_API_URL}{path}", json=body, headers={"Authorization": f"Bearer {token}"}
    )


def _access_token() -> str:
    with _lock:
        if _token.get("until", 0.0) < time.monotonic():
            _fetch_token()
        return str(_token["value"])


def _fetch_token() -> None:
    answer = _answer(
        _send(
            f"{settings.ZOOM_AUTH_URL}/oauth/token",
            data={"grant_type": "account_credentials", "account_id": settings.ZOOM_ACCOUNT_ID},
            auth=(settings.ZOOM_CLIENT_ID, settings.ZOOM_CLIENT_SECRET),
        )
    )
    if not answer.get("access_token"):
        raise ZoomRefused("Zoom's answer has no 'access_token'.")
    lasts = answer.get("expires_in")
    seconds = float(lasts) if isinstance(lasts, int | float) else TOKEN_SECONDS
    _token["value"] = answer["access_token"]
    _token["until"] = time.monotonic() + seconds - MARGIN_SECONDS


def _send(url: str, **kwargs: Any) -> requests.Response:
    try:
        return _connection.session().post(url, timeout=TIMEOUT, **kwargs)
    except requests.RequestException as error:
        raise ZoomAway(f"Zoom did not answer: {type(error).__name__}.") from error


def _answer(response: requests.Response) -> dict[str, Any]:
    status = response.status_code
    if status == TOO_MANY:
        raise _asked_to_wait(response.headers.get("Retry-After", ""))
    if status >= 500:
        raise ZoomAway(f"Zoom answered {status}.")
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    if status >= 400:
        raise ZoomRefused(f"Zoom answered {status}: {body.get('message') or 'no reason given'}")
    return body


def _asked_to_wait(told: str) -> RetryAfter | ZoomAway:
    """Return what comes of a 429: the limit of a second passes soon; that of a day is told as a date."""
    seconds = _seconds(told)
    if seconds > LONGEST_WAIT_SECONDS:
        return ZoomAway(f"Zoom asks us to wait until {told}.")
    return RetryAfter("Zoom asks us to wait.", seconds=seconds)


def _seconds(told: str) -> float:
    """Return for how many seconds to wait: told as their number, or as a moment (2027-03-15T00:00:00Z)."""
    if told.isdecimal():
        return float(told)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return WAIT_SECONDS
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(1.0, (moment - clock.now()).total_seconds())

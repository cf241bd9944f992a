"""E-mail through Resend's official SDK, with our own HTTP client beneath it.

The client sends the bytes that were frozen, not what the SDK would make of them, over a connection that
is kept alive. Errors are told apart by their `error_type`: the SDK's classes and codes mix rate limits
with exhausted quotas, and network failures with server errors (SDK 2.52, resend.com/docs/api-reference/errors).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import resend
from django.conf import settings
from resend.exceptions import NoContentError, ResendError

from core.errors import Refused
from messaging import payloads
from messaging.models import Sender
from messaging.providers.base import (
    BatchAnswer,
    KeyConflict,
    KeyInFlight,
    ProviderOutcome,
    RateLimited,
    Rejected,
    SenderBlocked,
    Unknown,
    UnreadableAnswer,
)
from messaging.providers.connections import TIMEOUT, KeptAlive

DEFAULT_WAIT = 1.0
LONGEST_WAIT = 300.0

_OUTCOMES: dict[str, type[ProviderOutcome]] = {
    "missing_required_field": Rejected,
    "missing_required_fields": Rejected,
    "invalid_attachment": Rejected,
    "invalid_parameter": Rejected,
    "invalid_from_address": Rejected,
    "missing_api_key": SenderBlocked,
    "restricted_api_key": SenderBlocked,
    "invalid_api_key": SenderBlocked,
    "suspended_api_key": SenderBlocked,
    "invalid_permission": SenderBlocked,
    "daily_quota_exceeded": SenderBlocked,
    "monthly_quota_exceeded": SenderBlocked,
    # Our own mistakes, or a wrong RESEND_API_URL: nothing was taken, and nothing may be lost to it.
    "invalid_idempotency_key": SenderBlocked,
    "not_found": SenderBlocked,
    "method_not_allowed": SenderBlocked,
    "rate_limit_exceeded": RateLimited,
    "invalid_idempotent_request": KeyConflict,
    "concurrent_idempotent_requests": KeyInFlight,
    "resource_locked": KeyInFlight,
    "internal_server_error": Unknown,
    "service_unavailable": Unknown,
    "HttpClientError": Unknown,
}


class PayloadChanged(Exception):
    """The SDK would send something other than what was frozen."""


class FrozenBytesClient(resend.HTTPClient):
    """Sends the bytes given to `sending`, after making sure that the SDK means the same."""

    def __init__(self) -> None:
        self._connection = KeptAlive()
        self._frozen = threading.local()

    @contextmanager
    def sending(self, payload: bytes) -> Iterator[None]:
        """Make the calls inside the block carry exactly these bytes."""
        self._frozen.payload = payload
        try:
            yield
        finally:
            del self._frozen.payload

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: Any = None,
        files: dict[str, Any] | None = None,
        data: dict[str, str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Called by the SDK, which turns every exception into an `HttpClientError`."""
        payload: bytes = self._frozen.payload
        if files or data or payloads.encode(json) != payload:
            raise PayloadChanged("The SDK changed the frozen payload; nothing was sent.")
        response = self._connection.session().request(
            method,
            url,
            data=payload,
            headers={**headers, "Content-Type": "application/json"},
            timeout=TIMEOUT,
        )
        return response.content, response.status_code, response.headers


_client = FrozenBytesClient()


class ResendProvider:
    """Batches of up to 100 to `POST /emails/batch`, with permissive validation."""

    most_at_once = 100

    def check_ready(self, sender: Sender) -> None:
        if not settings.RESEND_API_KEY:
            raise Refused(
                "Resend cannot be used without its key: RESEND_API_KEY is not set.",
                field="RESEND_API_KEY",
                value="",
                remedy="Set RESEND_API_KEY in the environment, or choose a sandbox sender.",
                code="provider_not_ready",
            )

    def send_batch(self, payload: bytes, *, key: str, attempt: int = 1) -> BatchAnswer:
        if not settings.RESEND_API_KEY:
            raise SenderBlocked("missing_api_key", "RESEND_API_KEY is not set.")
        mails = payloads.decode(payload)
        _point_the_sdk_at_our_account()
        try:
            with _client.sending(payload):
                response = resend.Batch.send(
                    mails, {"idempotency_key": key, "batch_validation": "permissive"}
                )
        except ResendError as error:
            _raise_outcome(error)
        except NoContentError as error:
            raise UnreadableAnswer("no_content", "The answer is empty.") from error
        return _answer(response, count=len(mails))


def _point_the_sdk_at_our_account() -> None:
    """The SDK keeps its account in module globals; set before each call, so that settings rule."""
    resend.api_key = settings.RESEND_API_KEY
    resend.api_url = settings.RESEND_API_URL
    resend.default_http_client = _client


def _answer(response: Mapping[str, Any], *, count: int) -> BatchAnswer:
    """Match the answer to positions: `data` holds the accepted ones in order, `errors` names the others."""
    try:
        ids = [str(entry["id"]) for entry in response["data"]]
        rejected = {
            int(entry["index"]): ("validation_error", str(entry.get("message", "")))
            for entry in response.get("errors") or ()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableAnswer("unexpected_shape", f"{type(error).__name__}: {error}") from error
    positions = [position for position in range(count) if position not in rejected]
    if len(ids) != len(positions) or not set(rejected) <= set(range(count)):
        raise UnreadableAnswer(
            "unexpected_count",
            f"{len(ids)} ids and {len(rejected)} errors for {count} messages.",
        )
    return BatchAnswer(
        dict(zip(positions, ids, strict=True)), rejected, rest_seconds(response.get("http_headers"))
    )


def rest_seconds(headers: Mapping[str, str] | None) -> float:
    """Return how long to rest after a call that used up the last request of the window."""
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    if lower.get("ratelimit-remaining") != "0":
        return 0.0
    return _seconds(lower.get("ratelimit-reset"))


def _raise_outcome(error: ResendError) -> NoReturn:
    if isinstance(error.__context__, PayloadChanged):
        raise SenderBlocked("payload_changed", str(error.__context__)) from error
    status = int(error.code)
    outcome = _outcome_class(error.error_type, status)
    code, message = _code(error), _one_line(error.message)
    http_status = None if error.error_type == "HttpClientError" else status
    if outcome is RateLimited:
        wait = _wait(error.headers)
        raise RateLimited(code, message, wait=wait, http_status=status) from error
    raise outcome(code, message, http_status=http_status) from error


def _outcome_class(error_type: str, status: int) -> type[ProviderOutcome]:
    if error_type == "validation_error":
        # 403: the domain is not verified, or the account is in test mode; no message is at fault.
        return SenderBlocked if status == 403 else Rejected
    return _OUTCOMES.get(error_type) or _by_status(status)


def _by_status(status: int) -> type[ProviderOutcome]:
    """Judge an answer without a name we know, such as a proxy's page: in doubt unless it is clear."""
    if status in (401, 403, 404, 405):
        return SenderBlocked
    if status == 429:
        return RateLimited
    if status in (400, 413, 422):
        return Rejected
    return KeyConflict if status == 409 else Unknown


def _code(error: ResendError) -> str:
    return re.sub(r"[^a-z0-9_]", "", re.sub(r"(?<!^)(?=[A-Z])", "_", error.error_type).lower())[:64]


def _one_line(message: str) -> str:
    return " ".join(message.split())[:400]


def _wait(headers: Mapping[str, str]) -> float:
    lower = {name.lower(): value for name, value in headers.items()}
    return _seconds(lower.get("retry-after") or lower.get("ratelimit-reset"))


def _seconds(text: str | None) -> float:
    """Read a header in seconds; a missing, malformed or absurd one means a short, bounded wait."""
    try:
        return min(max(float(text or ""), 0.1), LONGEST_WAIT)
    except ValueError:
        return DEFAULT_WAIT

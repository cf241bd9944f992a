"""The OpenAI API through its official SDK: the only module that imports it, and only inside a call (it takes a second).

Retries of the SDK are off, because it repeats paid calls after timeouts (openai 3.54.0; no idempotency key exists). The
raw JSON is kept as it came; the SDK's own parsing loses truncated answers (openai-python #2486).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from django.conf import settings

from enrichment.providers.base import (
    AccountBlocked,
    CallOutcome,
    Completion,
    InDoubt,
    NotTaken,
    RateLimited,
    Rejected,
)
from enrichment.providers.waits import rest_of, wait_of

#: A server of one's own may ask for no key, but the SDK does.
NO_KEY = "none"
CONNECT_SECONDS = 5.0
#: The most that one page of stored answers holds.
LISTED = 100
BLOCKING_CODES = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "invalid_api_key"}
    | {"account_deactivated", "access_terminated"}
)
#: With an error of its own form in it: the API itself says that it failed. A gateway's 502 or 504 says nothing of it.
OWNED_UP = frozenset({500, 503})
_clients: dict[tuple[Any, ...], Any] = {}


class OpenAi:
    """Chat completions of OpenAI, or of a server at OPENAI_BASE_URL that speaks like it."""

    is_free = False

    def complete(self, request: dict[str, Any]) -> Completion:
        import openai

        try:
            answer = _client().chat.completions.with_raw_response.create(**request)
        except openai.OpenAIError as error:
            _raise_outcome(error)
        return _completion(answer)

    def find(self, *, key: str) -> Sequence[Completion]:
        import openai

        try:
            answer = _client().chat.completions.with_raw_response.list(
                metadata={"step_key": key}, order="desc", limit=LISTED
            )
        except openai.OpenAIError as error:
            _raise_outcome(error)
        listed = _json_of(answer)
        stored = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(stored, list):
            raise InDoubt("unreadable_list", "The server answered 200 with no list.")
        # Servers that do not know the filter list everything: the newest first.
        mine = [body for body in stored if _carries(body, key)]
        return [Completion(body, str(body.get("request_id") or "")) for body in mine]


def _carries(body: Any, key: str) -> bool:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return isinstance(metadata, dict) and metadata.get("step_key") == key


def _client() -> Any:
    """Return this process's client for the present settings; never one from before a fork."""
    import openai

    account = (settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.OPENAI_TIMEOUT_SECONDS)
    known = (os.getpid(), *account)
    if known not in _clients:
        key, url, seconds = account
        let_go()
        _clients[known] = openai.OpenAI(
            api_key=key or NO_KEY,
            base_url=url or None,
            timeout=openai.Timeout(seconds, connect=CONNECT_SECONDS),
            max_retries=0,
        )
    return _clients[known]


def let_go() -> None:
    """Close this process's connections; what was opened before a fork is its parent's to close."""
    for (pid, *_), client in _clients.items():
        if pid == os.getpid():
            client.close()
    _clients.clear()


def _completion(answer: Any) -> Completion:
    """Return what came, unread; a 200 that is no JSON object is a doubt: something may have been paid."""
    headers = answer.headers
    request_id = headers.get("x-request-id", "")
    body = _json_of(answer)
    if not isinstance(body, dict) or "choices" not in body:
        raise InDoubt(
            "unreadable_answer",
            "The server answered 200 with no completion.",
            request_id=request_id,
        )
    return Completion(body, request_id, rest_of(headers))


def _json_of(answer: Any) -> Any:
    """Return the JSON of an answer's body; None where it is none."""
    try:
        return json.loads(answer.http_response.content)
    except (ValueError, RecursionError):
        return None


def _raise_outcome(error: Any) -> NoReturn:
    import openai

    if isinstance(error, openai.APIStatusError):
        raise _of_status(error) from error
    if isinstance(error, openai.APIConnectionError):
        raise _of_connection(error) from error
    raise Rejected("sdk_error", f"{type(error).__name__}: {error}") from error


def _of_status(error: Any) -> CallOutcome:
    """Judge an answer by its status and code; what may have been done is in doubt unless it is clear."""
    status, code, message = error.status_code, str(error.code or ""), _message_of(error)
    known: dict[str, Any] = {"request_id": error.request_id or ""}
    if code in BLOCKING_CODES or error.type == "insufficient_quota" or status in (401, 402):
        return AccountBlocked(code or f"http_{status}", message, **known)
    if status == 429:
        return RateLimited(
            code or "rate_limited", message, wait=wait_of(error.response.headers), **known
        )
    if status == 409:
        return NotTaken(code or "conflict", message, **known)
    if status >= 500 or status == 408:
        is_denied = status in OWNED_UP and isinstance(error.body, Mapping)
        return InDoubt(code or f"http_{status}", message, is_denied=is_denied, **known)
    return Rejected(code or f"http_{status}", message, **known)


def _of_connection(error: Any) -> CallOutcome:
    """Before the connection stood nothing can have been done; afterwards nobody knows."""
    import httpx2

    cause = error.__cause__
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
        return NotTaken("not_reached", f"The server cannot be reached: {type(cause).__name__}.")
    return InDoubt("no_answer", f"No answer came: {type(cause or error).__name__}.")


def _message_of(error: Any) -> str:
    body = error.body
    told = body.get("message") if isinstance(body, Mapping) else ""
    return str(told or f"The server answered {error.status_code}.")

"""`Idempotency-Key`: a request that is sent twice is carried out once and answered alike.

1. A record of (caller, key) is inserted on its own, so that a second request sees the first in flight.
2. The endpoint runs in one transaction with the record's completion: both commit, or neither.
3. What did not succeed leaves no record and may be tried again under the same key.

A request that died in flight is forgotten after a minute: its transaction cannot have committed.
Should it still be alive, completing finds its record gone, and everything it did is rolled back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import Q
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.audit import actor_of
from core.errors import Conflict, Refused
from core.models import IdempotencyRecord

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
IN_FLIGHT_AT_MOST = timedelta(minutes=1)
KEPT_HEADERS = ("Location", "Retry-After")

Endpoint = Callable[..., Response]


def idempotent(endpoint: Endpoint) -> Endpoint:
    """Make a view's method heed `Idempotency-Key`; without the header it behaves as before."""

    @wraps(endpoint)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        if HEADER not in request.headers:
            return endpoint(view, request, *args, **kwargs)
        record, is_ours = claim(request)
        if not is_ours:
            return repeated(record, request_hash(request))
        with ExitStack() as undo:
            undo.callback(record.delete)
            with transaction.atomic():
                response = endpoint(view, request, *args, **kwargs)
                if response.status_code < 400:
                    complete(record, response)
            if response.status_code < 400:
                undo.pop_all()
        return response

    once.is_idempotent = True  # type: ignore[attr-defined]
    return once


def claim(request: Request) -> tuple[IdempotencyRecord, bool]:
    """Return the record of this caller's key, and whether this request is the one to act."""
    forget_old()
    return IdempotencyRecord.objects.get_or_create(
        owner=actor_of(request),
        key=key_of(request),
        defaults={"request_hash": request_hash(request), "started_at": clock.now()},
    )


def key_of(request: Request) -> str:
    key = request.headers[HEADER]
    if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Refused(
            f"The header {HEADER} has {len(key)} characters or unprintable ones.",
            remedy="Use 1 to 255 printable ASCII characters, such as a UUID.",
            code="invalid_idempotency_key",
        )
    return key


def request_hash(request: Request) -> str:
    """Return what tells one request from another: method, address and body."""
    body = json.dumps(request.data, sort_keys=True, default=_checksum)
    text = f"{request.method}\n{request.get_full_path()}\n{body}"
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(file: Any) -> str:
    """Return what stands for an uploaded file: whoever takes files hashes them as they come in."""
    sha256: str = file.sha256
    return sha256


def forget_old() -> None:
    """Delete what is past its day, and what has been in flight for longer than a request lives."""
    now = clock.now()
    expired = Q(started_at__lt=now - KEPT_FOR)
    abandoned = Q(status=None, started_at__lt=now - IN_FLIGHT_AT_MOST)
    IdempotencyRecord.objects.filter(expired | abandoned).delete()


def repeated(record: IdempotencyRecord, this_hash: str) -> Response:
    """Answer a key's second use as its first was answered."""
    if record.request_hash != this_hash:
        raise Refused(
            f"The {HEADER} {record.key!r} was used for another request.",
            remedy="Use a new key for a new request.",
            code="idempotency_key_reused",
        )
    if record.status is None:
        raise Conflict(
            f"The first request with the {HEADER} {record.key!r} is still under way.",
            remedy="Ask again in a moment.",
            code="idempotency_in_flight",
        )
    headers = {**record.headers, "Idempotent-Replayed": "true"}
    return Response(record.body, status=record.status, headers=headers)


def complete(record: IdempotencyRecord, response: Response) -> None:
    """Store the answer in the transaction that made it true."""
    kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = json.loads(JSONRenderer().render(response.data) or b"null")
    mine = IdempotencyRecord.objects.filter(pk=record.pk, status=None)
    if not mine.update(status=response.status_code, headers=kept, body=body):
        raise Conflict("This request took too long and was given up.", code="idempotency_lost")

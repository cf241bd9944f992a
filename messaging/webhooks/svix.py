"""Svix's signature, which Resend uses: HMAC-SHA256 over id, moment and raw body.

The headers are `svix-id`, `svix-timestamp` (seconds) and `svix-signature` (`v1,<base64>`, several with spaces
between, while a secret is being changed). A secret is `whsec_` and base64. The same scheme as Standard Webhooks.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping

from core import clock
from messaging.webhooks.incoming import BadWebhook, plain

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"
VERSION = "v1,"


def check(body: bytes, headers: Mapping[str, str], *, secrets: Iterable[str]) -> str:
    """Return the delivery's id, which its repetitions share; raise BadWebhook unless signed now, by one of these."""
    delivery = plain(headers.get("svix-id"), name="svix-id")
    moment = headers.get("svix-timestamp") or ""
    signed = f"{delivery}.{moment}.".encode() + body
    given = _signatures(headers.get("svix-signature") or "")
    ours = [b64encode(hmac.digest(key_of(secret), signed, "sha256")) for secret in secrets]
    if not any(hmac.compare_digest(mine, theirs) for mine in ours for theirs in given):
        raise BadWebhook("The signature is not ours.", status=401)
    check_moment(moment)
    return delivery


def key_of(secret: str) -> bytes:
    """Return the key behind a secret as Resend shows it; raise ValueError for what is none."""
    key = b64decode(secret.removeprefix(PREFIX) + "==", validate=True)
    if not key:
        raise ValueError("an empty secret")
    return key


def _signatures(header: str) -> list[bytes]:
    offered = [part.removeprefix(VERSION) for part in header.split() if part.startswith(VERSION)]
    return [signature.encode("ascii", "replace") for signature in offered]


def check_moment(moment: str) -> None:
    """A recording that somebody plays again later is refused; within the tolerance its id is known already."""
    if not moment.isdecimal() or len(moment) > 12:
        raise BadWebhook("The timestamp is not a number of seconds.")
    if abs(clock.now().timestamp() - int(moment)) > TOLERANCE_SECONDS:
        raise BadWebhook(f"The timestamp is more than {TOLERANCE_SECONDS} seconds away.")

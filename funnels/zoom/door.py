"""The door for Zoom: check the signature on the raw body, keep the notice, answer; its challenge is answered at once.

`x-zm-signature` is `v0=` and the hex HMAC-SHA256 of `v0:<x-zm-request-timestamp>:<raw body>` under the app's secret
token (developers.zoom.us/docs/api/webhooks). Zoom asks `endpoint.url_validation` again every 72 hours.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from funnels.models import ZoomNotice
from funnels.zoom import hearing
from messaging.webhooks.incoming import BadWebhook, Incoming, plain, text_of
from messaging.webhooks.svix import check_moment
from messaging.webhooks.views import WebhookView

CHALLENGE = "endpoint.url_validation"
TOKEN_LENGTH = 200


class ZoomView(WebhookView):
    """What happens at meetings."""

    secret = ""

    def receive(self, request: HttpRequest, body: bytes) -> Incoming:
        self.secret = signed_by(body, request.headers)
        return read_notice(body)

    def take(self, incoming: Incoming) -> HttpResponse:
        if incoming.kind == CHALLENGE:
            return JsonResponse(answer_to(incoming.body, secret=self.secret))
        row = ZoomNotice(dedupe_key=incoming.dedupe_key, kind=incoming.kind, body=incoming.body)
        ZoomNotice.objects.bulk_create([row], ignore_conflicts=True)
        hearing.wake()
        return self.answer()


def signed_by(body: bytes, headers: Mapping[str, str]) -> str:
    """Return by which of our secrets a webhook of Zoom is signed, and now; raise BadWebhook."""
    secrets = settings.ZOOM_WEBHOOK_SECRET
    if not secrets:
        raise BadWebhook("ZOOM_WEBHOOK_SECRET is not set.", status=503)
    moment = headers.get("x-zm-request-timestamp") or ""
    signed = b"v0:" + moment.encode() + b":" + body
    given = (headers.get("x-zm-signature") or "").encode("ascii", "replace")
    for secret in secrets:
        if hmac.compare_digest(b"v0=" + _digest(secret, signed).encode(), given):
            check_moment(moment)
            return str(secret)
    raise BadWebhook("The signature is not ours.", status=401)


def read_notice(body: bytes) -> Incoming:
    """Return what is kept of a webhook of Zoom; raise BadWebhook."""
    text = text_of(body)
    kind = plain(_object(text).get("event"), name="event")
    return Incoming("zoom", hashlib.sha256(body).hexdigest(), kind=kind, body=text)


def answer_to(body: str, *, secret: str) -> dict[str, str]:
    """Return what proves to Zoom that this address is ours, by the secret with which it asks."""
    payload = _object(body).get("payload")
    token = payload.get("plainToken") if isinstance(payload, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LENGTH:
        return {}
    return {"plainToken": token, "encryptedToken": _digest(secret, token.encode())}


def _digest(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadWebhook("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise BadWebhook("The body is not a JSON object.")
    return found

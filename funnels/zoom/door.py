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

    def receive(self, request: HttpRequest, body: bytes) -> Incoming:
        return receive(body, request.headers)

    def take(self, incoming: Incoming) -> HttpResponse:
        if incoming.kind == CHALLENGE:
            return JsonResponse(answer_to(incoming.body))
        row = ZoomNotice(dedupe_key=incoming.dedupe_key, kind=incoming.kind, body=incoming.body)
        ZoomNotice.objects.bulk_create([row], ignore_conflicts=True)
        hearing.wake()
        return self.answer()


def receive(body: bytes, headers: Mapping[str, str]) -> Incoming:
    """Check a webhook of Zoom and return what is kept of it; raise BadWebhook."""
    secrets = settings.ZOOM_WEBHOOK_SECRET
    if not secrets:
        raise BadWebhook("ZOOM_WEBHOOK_SECRET is not set.", status=503)
    moment = headers.get("x-zm-request-timestamp") or ""
    signed = b"v0:" + moment.encode() + b":" + body
    given = (headers.get("x-zm-signature") or "").encode("ascii", "replace")
    ours = [b"v0=" + _digest(secret, signed).encode() for secret in secrets]
    if not any(hmac.compare_digest(mine, given) for mine in ours):
        raise BadWebhook("The signature is not ours.", status=401)
    check_moment(moment)
    text = text_of(body)
    kind = plain(_object(text).get("event"), name="event")
    return Incoming("zoom", hashlib.sha256(body).hexdigest(), kind=kind, body=text)


def answer_to(body: str) -> dict[str, str]:
    """Return what proves to Zoom that this address is ours."""
    payload = _object(body).get("payload")
    token = payload.get("plainToken") if isinstance(payload, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LENGTH:
        return {}
    secret = settings.ZOOM_WEBHOOK_SECRET[0]
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

"""Webhooks as the providers send them: their shapes, signed by their own libraries."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.test import Client
from standardwebhooks import Webhook
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from core import clock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
TOKEN = "a5f6e1c7d2b84930"
PUBLIC_URL = "https://longhaul.example"


@dataclass(frozen=True)
class Posted:
    """A request, ready to be sent."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def send(self, client: Client | None = None) -> Any:
        return (client or Client()).post(
            self.path, self.body, content_type=self.content_type, headers=self.headers
        )


def resend_event(
    kind: str,
    *,
    message: str = "",
    to: str = "person0@example.com",
    email_id: str = "56761188-7520-42d8-8898-ff6fc54ce618",
    created_at: datetime | None = None,
    **parts: Any,
) -> dict[str, Any]:
    """Return a webhook's payload; `message` is our tag, `parts` are bounce, click and the like."""
    moment = (created_at or clock.now()).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data: dict[str, Any] = {
        "email_id": email_id,
        "created_at": moment,
        "from": "News <news@longhaul.test>",
        "to": [to],
        "subject": "Spring news",
        "message_id": f"<{email_id}@eu-west-1.amazonses.com>",
        **parts,
    }
    if message:
        data["tags"] = {"message": message}
    return {"type": kind, "created_at": moment, "data": data}


def bounce(kind: str = "Permanent", sub_type: str = "General") -> dict[str, Any]:
    return {
        "type": kind,
        "subType": sub_type,
        "message": "The recipient's mail server rejected the message.",
        "diagnosticCode": ["smtp; 550 5.5.0 Requested action not taken: mailbox unavailable"],
    }


def signed_by_resend(
    event: dict[str, Any] | bytes,
    *,
    secret: str = SECRET,
    delivery: str = "",
    at: datetime | None = None,
) -> Posted:
    """Sign as Resend does."""
    body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    delivery = delivery or f"msg_{uuid.uuid4().hex}"
    moment = at or clock.now()
    signature = Webhook(secret).sign(delivery, moment, body.decode())
    headers = {
        "svix-id": delivery,
        "svix-timestamp": str(int(moment.timestamp())),
        "svix-signature": signature,
    }
    return Posted("/webhooks/resend", body, headers)


def status_callback(status: str, *, sid: str = "SM" + "a" * 32, **fields: str) -> dict[str, str]:
    """Return the form of a status callback."""
    return {
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "From": "+27600000000",
        "To": "+27825550134",
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsSid": sid,
        "SmsStatus": status,
        **fields,
    }


def inbound_sms(body: str, *, sid: str = "", **fields: str) -> dict[str, str]:
    """Return the form of an answer."""
    sid = sid or f"SM{uuid.uuid4().hex}"
    return {
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "From": "+27825550134",
        "To": "+27600000000",
        "Body": body,
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "NumMedia": "0",
        "NumSegments": "1",
        **fields,
    }


def signed_by_twilio(
    path: str,
    fields: dict[str, str],
    *,
    token: str = TOKEN,
    algorithm: str = HMAC_SHA1,
) -> Posted:
    """Sign as Twilio does: the address it called, and the fields."""
    form = QueryDict(mutable=True)
    form.update(fields)
    url = f"{PUBLIC_URL}{path}"
    signature = RequestValidator(token).compute_signature(url, form, algorithm=algorithm)
    headers = {"X-Twilio-Signature": signature}
    if algorithm == HMAC_SHA256:
        headers["X-Twilio-Webhooks-Signature-Settings"] = f"key=wk_1,algorithm={algorithm}"
    body = urlencode(fields).encode()
    return Posted(path, body, headers, "application/x-www-form-urlencoded")

"""Zoom's webhooks as Zoom sends them, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from django.test import Client

from core import clock

SECRET = "zoom-secret-token"
MEETING = "81234567890"
PLACE = "/webhooks/zoom"


def told(
    kind: str,
    at: datetime,
    *,
    email: str = "",
    registrant: str = "",
    user: str = "16778240",
    uuid: str = "4444AAAiAAAAAiAiAiiAii==",
    meeting: str = MEETING,
) -> dict[str, Any]:
    """Return a webhook's body about a participant, or the meeting itself."""
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    whole: dict[str, Any] = {
        "id": meeting,
        "uuid": uuid,
        "host_id": "x1yCzABCDEfg23HiJKl4mN",
        "topic": "Open day",
        "type": 2,
        "start_time": "2027-03-15T16:00:00Z",
        "timezone": "Africa/Johannesburg",
        "duration": 60,
    }
    if kind == "meeting.ended":
        whole["end_time"] = moment
    else:
        name = "join_time" if kind.endswith("joined") else "leave_time"
        whole["participant"] = {
            "user_id": user,
            "user_name": "Ada",
            "participant_uuid": f"p-{user}",
            name: moment,
            "email": email,
            "registrant_id": registrant,
        }
    return {
        "event": kind,
        "event_ts": int(at.timestamp() * 1000),
        "payload": {"account_id": "AAAAAABBBB", "object": whole},
    }


def post(body: dict[str, Any] | bytes, *, secret: str = SECRET, at: datetime | None = None) -> Any:
    """Post a webhook, signed now."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(enforce_csrf_checks=True).post(
        PLACE, raw, content_type="application/json", headers=signature(raw, secret=secret, at=at)
    )


def signature(raw: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    moment = str(int((at or clock.now()).timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{moment}:".encode() + raw, hashlib.sha256).hexdigest()
    return {"x-zm-request-timestamp": moment, "x-zm-signature": f"v0={digest}"}

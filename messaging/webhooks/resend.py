"""Resend's webhooks: what is kept of one, and what it says about a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from messaging.life import Happening, Stage
from messaging.models import EventSource, SuppressionReason
from messaging.webhooks import svix
from messaging.webhooks.incoming import BadWebhook, Incoming, plain, text_of
from messaging.webhooks.reading import Reading, message_number, moment_of

STAGES = {
    "email.scheduled": Stage.QUEUED,
    "email.sent": Stage.SENT,
    "email.delivered": Stage.DELIVERED,
    "email.opened": Stage.OPENED,
    "email.clicked": Stage.CLICKED,
    "email.failed": Stage.FAILED,
    "email.suppressed": Stage.SUPPRESSED,
    "email.bounced": Stage.BOUNCED,
    "email.complained": Stage.COMPLAINED,
}
#: Known, and nothing follows from them.
SILENT = frozenset({"email.delivery_delayed"})
PERMANENT = "Permanent"


def receive(body: bytes, headers: Mapping[str, str]) -> Incoming:
    """Check a webhook of Resend and return what is kept of it; raise BadWebhook."""
    secrets = settings.RESEND_WEBHOOK_SECRET
    if not secrets:
        raise BadWebhook("RESEND_WEBHOOK_SECRET is not set.", status=503)
    delivery = svix.check(body, headers, secrets=secrets)
    text = text_of(body)
    kind = plain(_object(text).get("type"), name="type")
    return Incoming(EventSource.RESEND, dedupe_key=delivery, kind=kind, body=text)


def read(kind: str, body: str, *, received_at: datetime) -> Reading:
    """Return what an event says; one of an unknown kind says nothing, and is kept. Raises BadWebhook."""
    event = _object(body)
    data = event["data"] if isinstance(event.get("data"), dict) else {}
    stage = STAGES.get(kind)
    happening = None
    if stage is not None:
        at = moment_of(event.get("created_at"), received_at)
        happening = Happening(stage, at, _reason(stage, data))
    return Reading(
        message=message_number(_tag(data.get("tags"))),
        provider_id=_text(data.get("email_id"))[:64],
        addresses=_addresses(data.get("to")),
        happening=happening,
        closes=_closes(stage, data),
        note="" if stage is not None or kind in SILENT else "a kind that we do not know",
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadWebhook("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise BadWebhook("The body is not a JSON object.")
    return found


def _tag(tags: object) -> str:
    """Return our own tag, of tags as an object or as a list of pairs."""
    if isinstance(tags, list):
        tags = {tag.get("name"): tag.get("value") for tag in tags if isinstance(tag, dict)}
    return _text(tags.get("message")) if isinstance(tags, dict) else ""


def _addresses(to: object) -> frozenset[str]:
    several = to if isinstance(to, list) else [to]
    return frozenset(address.lower() for address in several if isinstance(address, str))


def _closes(stage: Stage | None, data: dict[str, Any]) -> SuppressionReason | None:
    """An address closes on a complaint and on a permanent bounce; a full mailbox may have room tomorrow."""
    if stage == Stage.COMPLAINED:
        return SuppressionReason.COMPLAINED
    if stage == Stage.BOUNCED and _part(data, "bounce").get("type") == PERMANENT:
        return SuppressionReason.BOUNCED
    return None


def _reason(stage: Stage, data: dict[str, Any]) -> str:
    if stage == Stage.BOUNCED:
        bounce = _part(data, "bounce")
        return ", ".join(filter(None, (_text(bounce.get("type")), _text(bounce.get("subType")))))
    if stage in (Stage.FAILED, Stage.SUPPRESSED):
        part = _part(data, stage.value)
        return _text(part.get("reason")) or _text(part.get("type"))
    return ""


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    """Return a text that can be stored, or nothing."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\0", "")

"""The embedded default: keeps every message in a local outbox that staff can open, and delivers nothing.

It commits apart from our ledger and under its own key, as a real provider would: a crash between its commit and ours is
resolved by the key and by nothing else.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction

from messaging.channels import Channel
from messaging.models import SandboxMessage, Sender
from messaging.providers.base import BatchAnswer, KeyConflict


class SandboxProvider:
    """Accepts everything, on every channel."""

    most_at_once = 100

    def check_ready(self, sender: Sender) -> None:
        """It needs nothing."""

    def send_batch(self, payload: bytes, *, key: str, attempt: int = 1) -> BatchAnswer:
        """Keep the messages once per key; the same key answers the same."""
        fingerprint = hashlib.sha256(payload).hexdigest()
        kept = self._kept(key)
        if not kept:
            self._keep(payload, key, fingerprint)
            kept = self._kept(key)
        if any(row_fingerprint != fingerprint for _, _, row_fingerprint in kept):
            raise KeyConflict("invalid_idempotent_request", "The key was used with other content.")
        return BatchAnswer({position: f"sandbox-{pk}" for pk, position, _ in kept})

    def _kept(self, key: str) -> list[tuple[int, int, str]]:
        rows = SandboxMessage.objects.filter(key=key).order_by("position")
        return list(rows.values_list("pk", "position", "fingerprint"))

    def _keep(self, payload: bytes, key: str, fingerprint: str) -> None:
        """Insert all or none; whoever is second with the same key changes nothing."""
        mails = json.loads(payload)
        rows = [
            _row(mail, key=key, position=position, fingerprint=fingerprint)
            for position, mail in enumerate(mails)
        ]
        with transaction.atomic(durable=True):
            SandboxMessage.objects.bulk_create(rows, ignore_conflicts=True)


def _row(mail: dict[str, Any], **place: Any) -> SandboxMessage:
    tags = {tag["name"]: tag["value"] for tag in mail["tags"]}
    return SandboxMessage(
        message=tags["message"],
        channel=Channel.EMAIL if "subject" in mail else Channel.SMS,
        sender=mail.get("from") or mail.get("messaging_service", ""),
        recipient=mail["to"][0],
        subject=mail.get("subject", ""),
        html=mail.get("html", ""),
        text=mail.get("text", ""),
        headers=mail.get("headers", {}),
        **place,
    )

"""What a person was sent, read back from the frozen bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from messaging import payloads
from messaging.models import Message, Proof


@dataclass(frozen=True)
class Letter:
    """A message as it went over the wire; an SMS has a text alone."""

    sender: str
    recipient: str
    subject: str
    html: str
    text: str
    headers: dict[str, str]


def letter_of(message: Message) -> Letter | None:
    """Return a message as it was sent, or None while it has not been written."""
    if message.batch is None or message.position is None:
        return None
    mails = payloads.decode(message.batch.payload)
    return _letter(mails[message.position])


def letter_of_test(proof: Proof) -> Letter | None:
    """Return a test as it was sent, or None once the person that it was about is erased."""
    return _letter(payloads.decode(bytes(proof.payload))[0]) if proof.payload else None


def _letter(mail: dict[str, Any]) -> Letter:
    return Letter(
        sender=mail.get("from", ""),
        recipient=", ".join(mail["to"]) if isinstance(mail["to"], list) else mail["to"],
        subject=mail.get("subject", ""),
        html=mail.get("html", ""),
        text=mail.get("text", "") or mail.get("body", ""),
        headers=mail.get("headers", {}),
    )

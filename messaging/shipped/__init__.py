"""The templates that come with the house, ready to use: one file each, `.mjml` for e-mail and `.txt` for SMS.

An e-mail begins with `subject:` and `preheader:`; behind an empty line stand its sections, which the shared
layout takes in. They use `contact`, `event` (title, start_at, join_url, recording_url, resources, next_url), `data` and
`sender`, each with a default or left out where it has no value: they can be sent to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from messaging.channels import Channel

FOLDER = Path(__file__).parent
#: In the order in which a person gets them.
NAMES = (
    "welcome",
    "reminder-24h",
    "reminder-24h-sms",
    "reminder-1h",
    "reminder-1h-sms",
    "thank-you",
    "resources",
    "nurture",
    "sorry-missed",
    "reengagement",
    "final-followup",
)


@dataclass(frozen=True)
class ShippedTemplate:
    """A template as it stands in its file."""

    name: str
    channel: Channel
    source: dict[str, str] = field(default_factory=dict)


def shipped_templates() -> list[ShippedTemplate]:
    """Return every template that comes with the house."""
    return [
        _sms(name) if name.endswith("-sms") else read_email(FOLDER / f"{name}.mjml")
        for name in NAMES
    ]


def _sms(name: str) -> ShippedTemplate:
    text = (FOLDER / f"{name}.txt").read_text().strip()
    return ShippedTemplate(name, Channel.SMS, {"text": text})


def read_email(file: Path) -> ShippedTemplate:
    """Return the e-mail of a file, ours or that of a layer above; it is named as the file."""
    head, _, html = file.read_text().partition("\n\n")
    lines = (line.partition(": ") for line in head.splitlines())
    source = {key: value for key, _, value in lines}
    return ShippedTemplate(file.stem, Channel.EMAIL, {**source, "html": html})

"""The states of a campaign and the one table of moves between them."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """Where a campaign stands; the words staff read."""

    DRAFT = "draft", "Draft"  #: being written; the only state that may be edited
    SCHEDULED = "scheduled", "Scheduled"  #: starts by itself at `scheduled_at`
    SENDING = "sending", "Sending"  #: its stream is open and its run is at work
    PAUSED = "paused", "Paused"  #: its stream is held; what was handed over is still settled
    SENT = "sent", "Sent"  #: every message is settled
    CANCELLED = (
        "cancelled",
        "Cancelled",
    )  #: stopped by a person, for good
    FAILED = "failed", "Failed"  #: its run failed; retrying the run brings it back to sending


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.SCHEDULED, Status.SENDING}),
    Status.SCHEDULED: frozenset({Status.DRAFT, Status.SENDING, Status.CANCELLED}),
    Status.SENDING: frozenset({Status.PAUSED, Status.SENT, Status.CANCELLED, Status.FAILED}),
    Status.PAUSED: frozenset({Status.SENDING, Status.SENT, Status.CANCELLED, Status.FAILED}),
    Status.FAILED: frozenset({Status.SENDING, Status.CANCELLED}),
    Status.SENT: frozenset(),
    Status.CANCELLED: frozenset(),
}

#: A run is at work, or may be brought back to work, in these.
UNDER_WAY = frozenset({Status.SENDING, Status.PAUSED})

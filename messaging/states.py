"""The statuses of messages and batches, the reasons beside them, and the only moves between them."""

from __future__ import annotations

from django.db.models import TextChoices


class MessageStatus(TextChoices):
    """Where a message stands."""

    PENDING = "pending", "Pending"  #: waits for a lane
    SENDING = "sending", "Sending"  #: stands in a batch whose fate is open
    SENT = "sent", "Sent"  #: the provider took it
    FAILED = "failed", "Failed"  #: the provider, or its template, refused it
    IN_DOUBT = "in_doubt", "In doubt"  #: a person must look
    SKIPPED = "skipped", "Skipped"  #: never handed over; the reason says why


class Reason(TextChoices):
    """Why a message was skipped, failed, is held or in doubt; providers add their own error names."""

    NO_ADDRESS = "no_address", "No address"
    NO_CONSENT = "no_consent", "No consent"
    SUPPRESSED = "suppressed", "Suppressed"
    TOPIC_DECLINED = "topic_declined", "Declined its topic"
    ERASED = "erased", "Erased"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Too late to be of use"
    QUIET_HOURS = "quiet_hours", "Quiet hours"
    FREQUENCY_CAP = "frequency_cap", "Got enough of late"
    SCHEDULED = "scheduled", "For a later time"
    TEMPLATE_ERROR = "template_error", "Template error"
    KEY_EXPIRED = "key_expired", "Unanswered for 23 hours"
    KEY_CONFLICT = "key_conflict", "The provider knows its key with another content"
    UNREADABLE_ANSWER = "unreadable_answer", "The provider's answer does not fit"
    UNANSWERED = "unanswered", "No answer, and not found at the provider"


class HoldPolicy(TextChoices):
    """What becomes of a message that should not go out now."""

    HOLD = "hold", "Hold it until it may go"
    SKIP = "skip", "Skip it"
    IGNORE = "ignore", "Send it all the same"


class BatchStatus(TextChoices):
    """Where a batch stands."""

    FROZEN = "frozen", "Frozen"  #: bytes and key are fixed; the provider has taken nothing of it
    ATTEMPTED = "attempted", "Attempted"  #: the provider may have it
    SETTLED = "settled", "Settled"
    PARKED = "parked", "Parked"  #: waits for a person; never sent again under its key
    DISSOLVED = "dissolved", "Dissolved"  #: nothing was sent; its messages went elsewhere


class StreamStatus(TextChoices):
    """Whether a stream's messages may go out."""

    OPEN = "open", "Open"
    PAUSED = "paused", "Paused"
    CLOSED = "closed", "Closed"


class Purpose(TextChoices):
    """Why people are written to: by their consent, or because of something they themselves began."""

    MARKETING = "marketing", "Marketing"  #: needs consent, to the channel and the topic
    TRANSACTIONAL = "transactional", "Transactional"  #: needs none; a dead address still stops it


class SenderStatus(TextChoices):
    """Whether a sender sends."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"


MESSAGE_MOVES: dict[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.PENDING: frozenset(
        {
            MessageStatus.SENDING,
            MessageStatus.SKIPPED,
            MessageStatus.FAILED,
            MessageStatus.SENT,  # the provider proved that it had it after all
        }
    ),
    MessageStatus.SENDING: frozenset(
        {
            MessageStatus.SENT,
            MessageStatus.FAILED,
            MessageStatus.IN_DOUBT,
            MessageStatus.PENDING,  # its batch was dissolved
            MessageStatus.SKIPPED,  # dissolved, and its stream is closed
        }
    ),
    MessageStatus.IN_DOUBT: frozenset(
        {MessageStatus.SENT, MessageStatus.PENDING, MessageStatus.SKIPPED}
    ),
    MessageStatus.SENT: frozenset(),
    MessageStatus.FAILED: frozenset(),
    MessageStatus.SKIPPED: frozenset(),
}

BATCH_MOVES: dict[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.FROZEN: frozenset({BatchStatus.ATTEMPTED, BatchStatus.DISSOLVED}),
    BatchStatus.ATTEMPTED: frozenset(
        {
            BatchStatus.SETTLED,
            BatchStatus.PARKED,
            BatchStatus.FROZEN,  # the provider says for certain that it took nothing, for now
            BatchStatus.DISSOLVED,  # refused as a whole: its messages go out in smaller batches
        }
    ),
    BatchStatus.PARKED: frozenset({BatchStatus.SETTLED, BatchStatus.DISSOLVED}),
    BatchStatus.SETTLED: frozenset(),
    BatchStatus.DISSOLVED: frozenset(),
}

#: Messages whose fate is open.
UNSETTLED_MESSAGE = (MessageStatus.PENDING, MessageStatus.SENDING)
#: Batches that a lane must still bring to an end.
UNRESOLVED_BATCH = (BatchStatus.FROZEN, BatchStatus.ATTEMPTED)

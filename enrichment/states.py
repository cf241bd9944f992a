"""The words of enrichment: where a call stands, what its answer is worth, who said a value; and the moves between."""

from __future__ import annotations

from django.db import models


class CallStatus(models.TextChoices):
    """Where a paid call stands; the words staff read."""

    RESERVED = "reserved", "Reserved"  #: its money is set aside, nothing was sent
    SENT = "sent", "Sent"  #: handed to the provider, no answer yet
    UNKNOWN = "unknown", "In doubt"  #: no certain answer; it is looked up
    PARKED = "parked", "Waits for you"  #: it stays in doubt, and a person decides
    RECEIVED = "received", "Answered"  #: the raw answer and its cost are saved
    FAILED = "failed", "Not taken"  #: certainly nothing was done; may be tried again
    ABANDONED = "abandoned", "Given up"  #: a person gave it up; its money counts as spent


TRANSITIONS: dict[CallStatus, frozenset[CallStatus]] = {
    CallStatus.RESERVED: frozenset({CallStatus.SENT, CallStatus.FAILED}),
    CallStatus.SENT: frozenset({CallStatus.RECEIVED, CallStatus.UNKNOWN, CallStatus.FAILED}),
    CallStatus.UNKNOWN: frozenset({CallStatus.RECEIVED, CallStatus.PARKED, CallStatus.FAILED}),
    CallStatus.PARKED: frozenset({CallStatus.RECEIVED, CallStatus.ABANDONED}),
    CallStatus.FAILED: frozenset({CallStatus.RESERVED}),
    CallStatus.RECEIVED: frozenset(),
    CallStatus.ABANDONED: frozenset(),
}
#: Money is set aside for a call in these.
HOLDING = frozenset({CallStatus.RESERVED, CallStatus.SENT, CallStatus.UNKNOWN, CallStatus.PARKED})


class Verdict(models.TextChoices):
    """What an answer turned out to be when it was read."""

    UNREAD = "", "Not read yet"
    VALID = "valid", "Usable"
    INVALID = "invalid", "Not in the form asked for"
    TRUNCATED = "truncated", "Cut off"
    REFUSED = "refused", "Declined by the model"
    FILTERED = "filtered", "Stopped by the content filter"


class Source(models.TextChoices):
    """Who said a value."""

    AI = "ai", "AI"
    HUMAN = "human", "Person"
    IMPORT = "import", "Import"


class Mode(models.TextChoices):
    """What becomes of an answer."""

    AUTO = "auto", "Write it"
    REVIEW = "review", "Let a person accept it, field by field"


class ProposalStatus(models.TextChoices):
    """Where a proposed value stands."""

    PENDING = "pending", "Waits for you"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    REPLACED = "replaced", "Replaced by a newer one"


class Scope(models.TextChoices):
    """What a budget holds for."""

    RUN = "run", "Each run"
    CLIENT = "client", "Each client"
    DAY = "day", "Each day"
    MONTH = "month", "Each month"


class Intent(models.TextChoices):
    """What somebody wants who searches."""

    INFORMATIONAL = "informational"
    NAVIGATIONAL = "navigational"
    TRANSACTIONAL = "transactional"
    COMMERCIAL = "commercial"
    LOCAL = "local"
    SUPPORT = "support"
    EDUCATIONAL = "educational"
    OPINION = "opinion"


class Platform(models.TextChoices):
    """Where a text should be found."""

    CHATGPT = "chatgpt", "ChatGPT"
    PERPLEXITY = "perplexity", "Perplexity"
    GOOGLE = "google", "Google"


class BriefStatus(models.TextChoices):
    """Where a brief stands."""

    PENDING = "pending", "Being written"  #: its run is at work, or waits
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"  #: retrying its run takes it up again

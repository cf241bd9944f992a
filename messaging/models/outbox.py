"""The outbox: senders, the streams that producers open, and the ledger of messages."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from core import clock
from core.errors import NotFound
from core.ids import PublicIdModel, decode, encode
from core.sql import Literal
from messaging.channels import Channel
from messaging.models.pace import PacedModel
from messaging.models.people import Contact
from messaging.models.templates import TemplateVersion
from messaging.models.topics import Topic
from messaging.providers.names import CHANNELS, ProviderName
from messaging.states import HoldPolicy, MessageStatus, Purpose, SenderStatus, StreamStatus


class InDoubtPolicy(models.TextChoices):
    """What happens to a message whose fate stays unknown at a provider that keeps no idempotency keys."""

    AT_MOST_ONCE = "at_most_once", "Never twice: ask a person"
    AT_LEAST_ONCE = "at_least_once", "Send once more: it may arrive twice"


def _fits_provider() -> Q:
    """A provider delivers on its own channels only."""
    return reduce(
        or_, (Q(provider=provider, channel__in=channels) for provider, channels in CHANNELS.items())
    )


class Sender(PacedModel, PublicIdModel):
    """From whom messages go out, through which provider, and how fast."""

    id_prefix = "snd"
    Status = SenderStatus

    name = models.CharField(max_length=120, unique=True)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    provider = models.CharField(max_length=16, choices=ProviderName, default=ProviderName.SANDBOX)
    from_email = models.EmailField("from address", blank=True)
    from_name = models.CharField(max_length=120, blank=True)
    reply_to = models.EmailField("reply-to address", blank=True)
    from_number = models.CharField(
        max_length=16,
        blank=True,
        help_text="Of an SMS: +27825550134, a short code, or a name of up to 11 letters. "
        "Empty: TWILIO_PHONE_NUMBER.",
    )
    messaging_service = models.CharField(
        max_length=34,
        blank=True,
        validators=[
            RegexValidator(r"^MG[0-9a-f]{32}$", "A messaging service is MG and 32 digits.")
        ],
        help_text="Instead of a number: the Twilio messaging service (MG…) that chooses one.",
    )
    in_doubt_policy = models.CharField(
        "when an answer never came",
        max_length=16,
        choices=InDoubtPolicy,
        default=InDoubtPolicy.AT_MOST_ONCE,
        help_text="Of SMS and SMTP, where the provider cannot tell a repetition from a second message.",
    )
    rate_per_second = models.FloatField(
        "messages per second",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001), MaxValueValidator(10_000)],
        help_text="Empty: as fast as the provider allows. 100 a minute is 1.667.",
    )
    lanes = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(16)],
        help_text="How many batches may be on their way at once.",
    )
    status = models.CharField(
        max_length=8, choices=SenderStatus, default=SenderStatus.ACTIVE, editable=False
    )
    paused_reason = models.CharField(max_length=500, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name"]
        permissions = [("control_sender", "Can pause and resume senders")]
        constraints = [
            *PacedModel.Meta.constraints,
            models.CheckConstraint(
                name="sender_channel_is_known", condition=Q(channel__in=Channel.values)
            ),
            models.CheckConstraint(
                name="sender_provider_is_known", condition=Q(provider__in=ProviderName.values)
            ),
            models.CheckConstraint(name="sender_provider_fits_channel", condition=_fits_provider()),
            models.CheckConstraint(
                name="sender_policy_is_known",
                condition=Q(in_doubt_policy__in=InDoubtPolicy.values),
            ),
            models.CheckConstraint(
                name="sender_of_email_has_an_address",
                condition=~Q(channel=Channel.EMAIL) | ~Q(from_email=""),
            ),
            models.CheckConstraint(
                name="sender_has_number_or_service",
                condition=Q(from_number="") | Q(messaging_service=""),
            ),
            models.CheckConstraint(
                name="sender_status_is_known", condition=Q(status__in=SenderStatus.values)
            ),
            models.CheckConstraint(
                name="sender_rate_is_positive",
                condition=Q(rate_per_second__isnull=True) | Q(rate_per_second__gt=0),
            ),
            models.CheckConstraint(name="sender_has_a_lane", condition=Q(lanes__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_paused(self) -> bool:
        return self.status == SenderStatus.PAUSED


class Stream(PublicIdModel):
    """What one producer sends through one sender: opened, paused, resumed and closed as a whole."""

    id_prefix = "stm"
    Status = StreamStatus

    title = models.CharField(max_length=200)
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="streams")
    template_version = models.ForeignKey(
        TemplateVersion, on_delete=models.PROTECT, related_name="+"
    )
    data = models.JSONField(default=dict, blank=True, help_text="the same for every message")
    status = models.CharField(max_length=8, choices=StreamStatus, default=StreamStatus.OPEN)
    priority = models.SmallIntegerField(default=0, help_text="the greater goes out first")
    purpose = models.CharField(
        max_length=13, choices=Purpose, default=Purpose.MARKETING, db_default=Purpose.MARKETING
    )
    topic = models.ForeignKey(
        Topic, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    key = models.CharField(
        max_length=200, unique=True, null=True, blank=True, help_text="of a stream that stays open"
    )
    quiet_hours = models.CharField(
        max_length=6,
        choices=HoldPolicy,
        default=HoldPolicy.HOLD,
        help_text="what becomes of a message in its recipient's quiet hours",
    )
    over_cap = models.CharField(
        max_length=6,
        choices=HoldPolicy,
        default=HoldPolicy.HOLD,
        help_text="what becomes of a message to somebody who got enough of late",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="stream_status_is_known", condition=Q(status__in=StreamStatus.values)
            ),
            models.CheckConstraint(
                name="stream_purpose_is_known", condition=Q(purpose__in=Purpose.values)
            ),
            models.CheckConstraint(
                name="stream_hold_policies_are_known",
                condition=Q(quiet_hours__in=HoldPolicy.values, over_cap__in=HoldPolicy.values),
            ),
        ]
        indexes = [
            models.Index(
                name="stream_open_by_sender",
                fields=["sender", "-priority", "id"],
                condition=Q(status="open"),
            )
        ]

    def __str__(self) -> str:
        return self.title


class MessageQuerySet(models.QuerySet["Message"]):
    """The adjectives of messages."""

    def due(self) -> Self:
        """Pending, and waiting for nothing but a lane."""
        return self.filter(status=Literal("pending"), not_before=None)

    def held(self) -> Self:
        """Pending, and not to go before a moment; `reason` says why."""
        return self.filter(status=Literal("pending"), not_before__isnull=False)

    def handled(self) -> Self:
        """Whatever is not pending."""
        return self.exclude(status=Literal("pending"))

    def in_order(self) -> Self:
        """In the order they were written. Named so that only the index `message_next` fits:
        by key alone, PostgreSQL may walk the whole ledger from its beginning for each batch."""
        return self.order_by("created_at", "id")


class Message(models.Model):
    """One message to one person: a line of the ledger, unique on (stream, key), never deleted."""

    id_prefix = "msg"
    Status = MessageStatus

    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    key = models.CharField(max_length=64)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="messages")
    address = models.CharField(max_length=254, blank=True, help_text="as it was when written")
    status = models.CharField(max_length=8, choices=MessageStatus, default=MessageStatus.PENDING)
    reason = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    batch = models.ForeignKey(
        "messaging.SendBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
    )
    position = models.PositiveSmallIntegerField(null=True, blank=True)
    provider_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(
        null=True, blank=True, help_text="what its template sees beside its stream's data"
    )
    quiet_hours = models.CharField(
        max_length=6,
        choices=HoldPolicy,
        blank=True,
        default="",
        db_default="",
        help_text="instead of its stream's policy",
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="held until then; its reason says why"
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="of no use after that: skipped, never sent late"
    )
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="sent, failed, skipped or found to be in doubt"
    )

    # What its provider told afterwards: see messaging/life.py.
    delivery = models.CharField(max_length=12, blank=True, default="", db_default="")
    trouble = models.CharField(max_length=200, blank=True, default="", db_default="")
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    suppressed_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(
        null=True, blank=True, help_text="its link ended the subscription"
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        permissions = [
            ("send_message", "Can send single messages"),
            ("export_message", "Can download messages with their addresses"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["stream", "key"], name="message_once_per_key"),
            models.CheckConstraint(
                name="message_status_is_known", condition=Q(status__in=MessageStatus.values)
            ),
            models.CheckConstraint(
                name="message_reason_stands_where_needed",
                condition=~Q(status__in=["skipped", "failed", "in_doubt"]) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="message_quiet_hours_policy_is_known",
                condition=Q(quiet_hours__in=["", *HoldPolicy.values]),
            ),
            models.CheckConstraint(
                name="message_sending_stands_in_a_batch",
                condition=~Q(status="sending") | Q(batch__isnull=False, position__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="message_next",
                fields=["stream", "created_at", "id"],
                condition=Q(status="pending", not_before__isnull=True),
            ),
            # Held ones stand apart, so that none of them is in the way of what may go.
            models.Index(
                name="message_held",
                fields=["stream", "not_before", "reason"],
                condition=Q(status="pending", not_before__isnull=False),
            ),
            # Without the pending ones, so that no planner reads a whole stream to find its next messages.
            models.Index(
                name="message_tally",
                fields=["stream", "status", "reason"],
                condition=~Q(status="pending"),
            ),
            # Few, and asked for over all streams: staff look for them.
            models.Index(name="message_in_doubt", fields=["id"], condition=Q(status="in_doubt")),
            models.Index(
                name="message_by_batch",
                fields=["batch", "position"],
                condition=Q(batch__isnull=False),
            ),
            models.Index(
                name="message_by_provider_id",
                fields=["provider_id"],
                condition=~Q(provider_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode(self.id_prefix, self.pk)

    @classmethod
    def from_public_id(cls, text: str) -> Message:
        """Return the message behind a public id; raise NotFound where there is none."""
        number = decode(cls.id_prefix, text)
        found = cls.objects.filter(pk=number).first() if number < 1 << 63 else None
        if found is None:
            raise NotFound(f"There is no {text!r}.", value=text)
        return found

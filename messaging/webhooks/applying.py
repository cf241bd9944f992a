"""Kept events become lives, closed addresses and wishes: hundreds in one transaction, fenced by the reader's lease.

1. Read what each says. 2. Find and lock their messages; those that a lane holds right now are left for the next look.
3. Clear doubts, move the lives. 4. Close addresses, heed wishes, hold senders. 5. Note on each event what became of
it. 6. Prove the lease.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from core import clock
from core.sql import update_from
from messaging import doubts, lives
from messaging.actions.answers import block_sender, close_address, heed
from messaging.channels import Channel
from messaging.life import Happening
from messaging.models import Contact, EventSource, Message, ProviderEvent
from messaging.states import MessageStatus
from messaging.webhooks import resend, twilio
from messaging.webhooks.incoming import BadWebhook
from messaging.webhooks.reading import Reading

BATCH = 500
#: Statuses of a message whose provider may have it without our knowing.
UNSURE = (MessageStatus.PENDING, MessageStatus.SENDING, MessageStatus.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many events a look found, and how many of them are done."""

    found: int
    applied: int


@transaction.atomic
def apply_next(prove: Callable[[], None], *, limit: int = BATCH) -> Outcome:
    """Apply the oldest events that wait; `prove` ends the transaction of a reader that lost its lease."""
    events = list(ProviderEvent.objects.unapplied().order_by("id")[:limit])
    if not events:
        return Outcome(0, 0)
    readings = _found([(event, read(event)) for event in events])
    messages = lives.lock({reading.message for _, reading in readings if reading.message})
    ready = [(event, r) for event, r in readings if not r.message or r.message in messages]
    _clear_doubts(ready, messages)
    _move_lives(ready, messages)
    for event, reading in ready:
        _heed(event, reading, messages.get(reading.message))
    _hold_senders(ready, messages)
    _note(ready, messages)
    prove()
    return Outcome(len(events), len(ready))


def read(event: ProviderEvent) -> Reading:
    """Return what an event says, in its provider's tongue; one that cannot be read says that, and stops no other."""
    if event.source == EventSource.RESEND:
        try:
            return resend.read(event.kind, event.body, received_at=event.received_at)
        except BadWebhook as bad:
            return Reading(note=str(bad))
    return twilio.read(event.kind, event.body, query=event.query, received_at=event.received_at)


Readings = Sequence[tuple[ProviderEvent, Reading]]


def _found(readings: Readings) -> list[tuple[ProviderEvent, Reading]]:
    """Return the readings with the messages they are really about: known to us, and to that address."""
    by_number = {r.message for _, r in readings if r.message}
    by_id = {r.provider_id for _, r in readings if r.provider_id and not r.message}
    known = dict(Message.objects.filter(pk__in=by_number).values_list("pk", "address"))
    named = dict(Message.objects.filter(provider_id__in=by_id).values_list("provider_id", "pk"))
    return [(event, _about(reading, known, named)) for event, reading in readings]


def _about(reading: Reading, known: dict[int, str], named: dict[str, int]) -> Reading:
    if reading.phone:
        return reading
    message = reading.message or named.get(reading.provider_id, 0)
    address = known.get(reading.message, "")
    is_other = address and reading.addresses and address not in reading.addresses
    if is_other or (reading.message and reading.message not in known):
        message = 0  # another installation uses the same account
    note = reading.note if message or reading.note else "no message of ours"
    return replace(reading, message=message, note=note)


def _clear_doubts(ready: Readings, messages: dict[int, Message]) -> None:
    """Whatever is told of a message proves that its provider has it."""
    for _, reading in ready:
        message = messages.get(reading.message)
        if message and reading.provider_id and message.status in UNSURE:
            doubts.adopt(message, provider_id=reading.provider_id)


def _move_lives(ready: Readings, messages: dict[int, Message]) -> None:
    told: dict[int, list[Happening]] = defaultdict(list)
    for _, reading in ready:
        if reading.message and reading.happening:
            told[reading.message].append(reading.happening)
    lives.tell(told, messages=messages)


def _heed(event: ProviderEvent, reading: Reading, message: Message | None) -> None:
    if reading.wish:
        heed(reading.wish, phone=reading.phone)
    if message is not None and reading.closes:
        channel = Channel.SMS if event.source == EventSource.TWILIO else Channel.EMAIL
        source = f"{event.source} {event.kind}"
        close_address(message, channel, reason=reading.closes, source=source)


def _hold_senders(ready: Readings, messages: dict[int, Message]) -> None:
    """Hold each sender that is blocked, once: by the last that was handed over of its messages in hand."""
    blocked = {r.message: r.blocks for _, r in ready if r.blocks and r.message in messages}
    if not blocked:
        return
    refused = Message.objects.filter(pk__in=blocked).select_related("stream__sender")
    latest = {each.stream.sender_id: each for each in refused.order_by("settled_at")}
    for message in latest.values():
        block_sender(message, why=blocked[message.pk])


def _note(ready: Readings, messages: dict[int, Message]) -> None:
    """Note the message and the person of each event, and that it is done."""
    now = clock.now()
    phones = {reading.phone for _, reading in ready if reading.phone}
    people = dict(Contact.objects.filter(phone__in=phones).values_list("phone", "pk"))
    rows = []
    for event, reading in ready:
        message = messages.get(reading.message)
        at = reading.happening.at if reading.happening else event.received_at
        contact = message.contact_id if message else people.get(reading.phone)
        rows.append((event.pk, now, at, reading.note, message and message.pk, contact))
    update_from(ProviderEvent, ("applied_at", "happened_at", "note", "message", "contact"), rows)
    noted = ProviderEvent.objects.filter(pk__in=[row[0] for row in rows])
    noted.filter(contact__erased_at__isnull=False).update(body="")

"""The cut: the next messages of a sender become a frozen batch, in one transaction.

1. Lock the next pending messages of its open streams. 2. Ask once more whether each person may be
written to, and whether now. 3. Prove the lease. 4. Take the budget of the second and of the day; where there
is none, nothing stays held. 5. Render. 6. Freeze bytes and key, and put the messages in.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from jobs.context import RunContext
from messaging import days, ledger, mails, pacing, payloads, texts
from messaging.audience import SENDABLE, eligibility
from messaging.batches import freeze
from messaging.channels import Channel
from messaging.content.blocks import ready
from messaging.content.tag import Block
from messaging.ledger import Claim
from messaging.models import Contact, SendBatch, Sender, Topic
from messaging.rendering import TemplateError
from messaging.restraint import put_off
from messaging.states import MessageStatus, Reason

#: Who writes a message of a channel, in the form that goes over the wire.
WRITERS = {Channel.EMAIL: mails.write, Channel.SMS: texts.write}
#: What a message is written from; the rest of a contact is not read.
NEEDED = ("email", "phone", "first_name", "last_name", "time_zone", "attributes")
#: How soon a lane looks again for the first copy of a block of external content.
FIRST_COPY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut found: a batch to send, a time to wait, only messages to set aside, or nothing at all.

    It is full where as many messages as go at once were pending: then there may be more.
    """

    batch: SendBatch | None = None
    wait: float = 0.0
    is_full: bool = False


@transaction.atomic
def cut_batch(run: RunContext, *, sender: Sender, run_id: uuid.UUID, most: int) -> Cut:
    """Freeze the next batch of a sender, of `most` messages; nothing of it has been sent yet."""
    limit = min(most, pacing.batch_size(sender.rate_per_second))
    left = days.left_today(sender)
    if left == 0:
        days.close_today(sender)
        return Cut()
    limit = limit if left is None else min(limit, left)
    claims = ledger.claim_pending(sender.pk, limit=limit)
    if not claims:
        return Cut()
    is_full = len(claims) == limit
    content = ready(_blocks_of(claims))
    if content.is_worth_waiting:
        return Cut(wait=FIRST_COPY_SECONDS, is_full=is_full)
    people = _people(claims, Channel(sender.channel))
    going = put_off(_set_aside_the_ineligible(claims, people), people, sender=sender)
    run.renew()
    wait = pacing.admit(sender, len(going)) if going else 0.0
    if wait or not going or not days.take(sender, len(going)):
        return Cut(wait=wait, is_full=is_full)
    batch = _freeze(going, people, content.copies, sender=sender, run_id=run_id)
    return Cut(batch, is_full=is_full)


def _blocks_of(claims: Sequence[Claim]) -> list[str]:
    """Return the blocks of external content that these messages show; they stand in few streams."""
    streams = {id(claim.stream): claim.stream for claim in claims}
    return [b for stream in streams.values() for b in stream.template_version.content_blocks]


def _people(claims: Sequence[Claim], channel: Channel) -> dict[int, Contact]:
    """Return the contact of each message, with its `why`: the reason to skip it, or SENDABLE."""
    people: dict[int, Contact] = {}
    groups: dict[tuple[str, Topic | None], list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.occasion].append(claim)
    for (purpose, topic), group in groups.items():
        ids = {claim.contact_id for claim in group}
        why = eligibility(channel, purpose=purpose, topic=topic, among=ids)
        contacts = Contact.objects.filter(pk__in=ids).only(*NEEDED).annotate(why=why)
        by_key = {contact.pk: contact for contact in contacts}
        people |= {claim.id: by_key[claim.contact_id] for claim in group}
    return people


def _set_aside_the_ineligible(claims: Iterable[Claim], people: dict[int, Contact]) -> list[Claim]:
    going, skipped = [], []
    for claim in claims:
        why = people[claim.id].why  # type: ignore[attr-defined]  # annotated
        if why == SENDABLE:
            going.append(claim)
        else:
            skipped.append((claim.id, MessageStatus.SKIPPED.value, why, ""))
    ledger.set_aside(skipped)
    return going


def _freeze(
    going: Iterable[Claim],
    people: dict[int, Contact],
    content: dict[str, Block],
    *,
    sender: Sender,
    run_id: uuid.UUID,
) -> SendBatch | None:
    """Render and freeze; a message that cannot be rendered fails and stops no other."""
    written: list[dict[str, Any]] = []
    rows: list[tuple[int, int, str]] = []
    failed: list[tuple[int, str, str, str]] = []
    streams: Counter[str] = Counter()
    channel = Channel(sender.channel)
    for claim in going:
        contact = people[claim.id]
        try:
            mail = WRITERS[channel](claim, contact=contact, sender=sender, content=content)
        except TemplateError as error:
            why = f"{error.variable}: {error}" if error.variable else str(error)
            failed.append((claim.id, MessageStatus.FAILED.value, Reason.TEMPLATE_ERROR.value, why))
            continue
        rows.append((claim.id, len(rows), contact.address(channel)))
        written.append(mail)
        streams[claim.stream.pk.hex] += 1
    ledger.set_aside(failed)
    if not written:
        return None
    payload = payloads.encode(written)
    batch = freeze(payload, count=len(written), sender=sender, run_id=run_id, streams=dict(streams))
    ledger.mark_sending(batch, rows)
    return batch

"""What was frozen is cleaned of a person: batches keep their other mails, and a checksum of what is left.

A batch whose fate is open keeps its bytes, for it may only go out again as it is; it is cleaned once that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from jobs.context import RunContext
from messaging import payloads
from messaging.actions.erasing import forget_messages
from messaging.models import Contact, SendBatch
from messaging.states import BatchStatus

#: What stands where a mail stood.
NOTHING = {"to": "", "erased": True}
LOOK_AGAIN_SECONDS = 3600.0
OVER = (BatchStatus.SETTLED, BatchStatus.DISSOLVED)


def erase(run: RunContext, contact: Contact) -> int:
    """Clean every batch that held mails of an erased person; return how many had any. Waits for open ones."""
    cleaned = sum(clean(run, batch, contact) for batch in list(_batches(contact)))
    with transaction.atomic():
        forget_messages(contact)
        run.renew()
    if contact.messages.exclude(batch=None).exclude(batch__status__in=OVER).exists():
        run.snooze(LOOK_AGAIN_SECONDS)
    return cleaned


def clean(run: RunContext, batch: SendBatch, contact: Contact) -> bool:
    """Clean one batch of a person's mails; return whether it held any."""
    ids = [message.public_id for message in contact.messages.only("pk").filter(_in(batch))]
    cleaned = without(batch.payload, ids)
    if cleaned is None:
        return False
    batch.payload = cleaned
    with transaction.atomic():
        SendBatch.objects.filter(pk=batch.pk, status__in=OVER).update(
            compressed=batch.compressed, sha256=batch.sha256
        )
        run.renew()
    return True


def without(payload: bytes, ids: Iterable[str]) -> bytes | None:
    """Return frozen bytes without the mails of these messages, or None where there are none of them."""
    words = "|".join(map(re.escape, ids))
    if not words:
        return None
    names = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    mails = payloads.decode(payload)
    kept = [NOTHING if names.search(_text_of(mail)) else mail for mail in mails]
    return None if kept == mails else payloads.encode(kept)


def _text_of(mail: object) -> str:
    return payloads.encode([mail]).decode()


def _batches(contact: Contact) -> Iterable[SendBatch]:
    """Return the batches whose fate is known that may hold mails of a person.

    Those that were dissolved are known by their streams: their messages went elsewhere.
    """
    streams = contact.messages.values_list("stream", flat=True).distinct()
    held = Q(pk__in=contact.messages.values("batch"), status=BatchStatus.SETTLED)
    for stream in streams:
        held |= Q(status=BatchStatus.DISSOLVED, streams__has_key=stream.hex)
    return SendBatch.objects.filter(held)


def _in(batch: SendBatch) -> Q:
    if batch.status == BatchStatus.SETTLED:
        return Q(batch=batch)
    return Q(stream__in=list(batch.streams))

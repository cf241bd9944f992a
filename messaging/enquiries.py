"""When a provider is asked what became of a message: callbacks are sent once, and may be lost. See `asking`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from core import clock
from core.bulk import insert_missing_rows
from messaging.models import Enquiry, Sender
from messaging.providers.base import Telling
from messaging.providers.registry import provider_of

#: How old a message is when it is asked about; by the last every provider has given up delivering it.
AGES = tuple(timedelta(hours=hours) for hours in (1, 3, 12, 36))


def plan(sender: Sender, messages: Iterable[int]) -> None:
    """Have messages that were sent just now asked about later, where their provider can be asked."""
    if isinstance(provider_of(sender), Telling):
        due = clock.now() + AGES[0]
        insert_missing_rows(Enquiry, ("message", "due_at"), [(number, due) for number in messages])


def plan_the_next(enquiry: Enquiry) -> None:
    """Ask again at the message's next age that lies ahead; after the last, never."""
    sent_at = enquiry.message.settled_at or clock.now()
    ahead = [sent_at + age for age in AGES if sent_at + age > clock.now()]
    if ahead:
        Enquiry.objects.filter(pk=enquiry.pk).update(due_at=ahead[0])
    else:
        enquiry.delete()

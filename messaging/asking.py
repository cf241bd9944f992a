"""Asking providers what became of messages of which they have told no end.

1. Whoever settles a message as sent has planned an enquiry (`enquiries.plan`). 2. When its moment comes and no end is
known, the provider is asked, outside any transaction. 3. Its answer is kept like a webhook, and applied by the same
reader: a callback that comes after all is the same event. An end, or the last age, ends the enquiry.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import cache

from django.db import transaction

from core import clock
from jobs.context import RunContext
from messaging.enquiries import plan_the_next
from messaging.life import is_over
from messaging.lives import life_of
from messaging.models import Enquiry, Sender
from messaging.providers.base import NotNow, ProviderOutcome, Telling
from messaging.providers.registry import provider_of
from messaging.webhooks import reader
from messaging.webhooks.keeping import store

#: So many questions in a row, then a rest: five a second at most.
AT_A_TIME = 10
REST_SECONDS = 2.0
#: What could not be answered is asked again after so long; after so many of them nothing is asked for a while.
AGAIN = timedelta(minutes=10)
MOST_FAILURES = 3


def ask(run: RunContext) -> None:
    """Ask about everything that is due, a few at a time; leaves by snoozing while there is more."""
    provider_for = cache(_provider_for)
    asked = failures = 0
    for enquiry in _due():
        provider = provider_for(enquiry.message.stream.sender_id)
        if provider is None or is_over(life_of(enquiry.message)):
            enquiry.delete()
            continue
        asked += 1
        failures += not _ask(run, enquiry, provider)
        if failures == MOST_FAILURES:
            return
    if asked > failures:
        reader.wake()
    if _due():
        run.snooze(REST_SECONDS if asked else 0)


def _due() -> list[Enquiry]:
    due = Enquiry.objects.filter(due_at__lte=clock.now()).order_by("due_at")
    return list(due.select_related("message__stream")[:AT_A_TIME])


def _ask(run: RunContext, enquiry: Enquiry, provider: Telling) -> bool:
    """Ask about one message and keep the answer; return whether there was one."""
    message = enquiry.message
    try:
        news = provider.news_of(message.provider_id, message=message.public_id)
    except NotNow as outcome:
        run.snooze(outcome.wait)
        return False
    except ProviderOutcome:
        Enquiry.objects.filter(pk=enquiry.pk).update(due_at=clock.now() + AGAIN)
        return False
    with transaction.atomic():
        if news is None:
            enquiry.delete()
        else:
            store(news)
            plan_the_next(enquiry)
        run.renew()
    return True


def _provider_for(sender: uuid.UUID) -> Telling | None:
    provider = provider_of(Sender.objects.get(pk=sender))
    return provider if isinstance(provider, Telling) else None

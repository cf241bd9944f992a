"""What became of an event's messages, in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from core import clock
from funnels.models import Event
from jobs.models import Run
from jobs.testing import run_until
from messaging.lanes import GATHER_SECONDS
from messaging.models import Contact, Message


def live_until(moment: datetime) -> None:
    """Let everything happen that is due by a moment, and be sent once it has gathered; no run may fail."""
    run_until(moment + timedelta(seconds=GATHER_SECONDS), limit=100_000)
    for run in Run.objects.filter(error__isnull=False):
        raise AssertionError(run.error["traceback"])


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Do something at a moment, when everything that is due by then has happened; and let happen what follows."""
    live_until(moment)
    with clock.travel(to=moment):
        yield
        live_until(moment)


def told(
    event: Event, person: Contact | None = None
) -> list[tuple[str, str, str, datetime | None]]:
    """Return every message as step, channel, how it stands, and in which second that was settled; in that order."""
    rows = Message.objects.filter(stream__funnel_step__launch__event=event)
    if person is not None:
        rows = rows.filter(contact=person)
    found = []
    for message in rows.select_related("stream__funnel_step__step"):
        place = message.stream.funnel_step
        word = message.reason or message.status if message.status == "skipped" else message.status
        second = message.settled_at and message.settled_at.replace(microsecond=0)
        found.append((place.step.name, place.channel, word, second))
    return sorted(found, key=lambda each: (str(each[3]), each[0], each[1]))


def sent(event: Event, person: Contact | None = None) -> list[tuple[str, str, datetime]]:
    """Return what was handed over, as step, channel and moment."""
    return [
        (step, channel, at) for step, channel, word, at in told(event, person) if word == "sent"
    ]


def ledger(event: Event) -> dict[tuple[str, str, str], int]:
    """Return how many messages stand how, by step and channel."""
    return dict(Counter((step, channel, word) for step, channel, word, _ in told(event)))

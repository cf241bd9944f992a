"""Durable work of the outbox: lanes, the watch over them, and alerts."""

from __future__ import annotations

from jobs.context import RunContext
from jobs.registry import workflow
from jobs.retrying import Retry
from messaging import alerts, lanes
from messaging.delivery import Delivery
from messaging.models import Sender
from messaging.webhooks import reader


@workflow("messaging.deliver", retry=Retry((1, 5, 30)))
def deliver(run: RunContext, *, sender: str, slot: int) -> None:
    """A lane: hand the pending messages of a sender to its provider, each exactly once."""
    Delivery(run, sender=Sender.from_public_id(sender), slot=slot).go()


@workflow("messaging.alert", retry=Retry((30, 300, 1800, 7200)))
def alert(run: RunContext, *, subject: str, text: str) -> None:
    """Mail staff about a trouble; a mail server that is away is asked again for hours."""
    run.step("mail", alerts.mail_staff, subject, text)


@workflow("messaging.wake")
def wake(run: RunContext, *, sender: str) -> int:
    """Start a sender's lanes at the moment from which held messages may go; return how many."""
    return lanes.wake(Sender.from_public_id(sender))


@workflow(reader.WORKFLOW, retry=Retry((1, 5, 30, 60)))
def apply_events(run: RunContext) -> None:
    """The reader: apply what providers told us, in the order of its coming."""
    reader.read(run)


@workflow("messaging.tend_lanes", cron="* * * * *")
def tend_lanes(run: RunContext) -> int:
    """Start the lanes, and the reader of events, whose run died while work waits; return how many."""
    return lanes.tend() + reader.tend()

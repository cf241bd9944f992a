"""Durable work of the outbox: lanes, the watch over them, and alerts."""

from __future__ import annotations

from typing import Any

from jobs.context import RunContext
from jobs.flow import Singleton
from jobs.registry import workflow
from jobs.retrying import NO_RETRY, Retry
from messaging import alerts, asking, erasure, lanes
from messaging.content.refreshing import refresh
from messaging.delivery import Delivery
from messaging.models import Contact, ContentBlock, Proof, Sender
from messaging.proving import hand_over, settle
from messaging.webhooks import reader


@workflow("messaging.deliver", retry=Retry((1, 5, 30)), is_chore=True)
def deliver(run: RunContext, *, sender: str, slot: int) -> None:
    """A lane: hand the pending messages of a sender to its provider, each exactly once."""
    Delivery(run, sender=Sender.from_public_id(sender), slot=slot).go()


@workflow("messaging.alert", retry=Retry((30, 300, 1800, 7200)))
def alert(run: RunContext, *, subject: str, text: str) -> None:
    """Mail staff about a trouble; a mail server that is away is asked again for hours."""
    run.step("mail", alerts.mail_staff, subject, text)


@workflow("messaging.wake", is_chore=True)
def wake(run: RunContext, *, sender: str) -> int:
    """Start a sender's lanes at the moment from which held messages may go; return how many."""
    return lanes.wake(Sender.from_public_id(sender))


@workflow(reader.WORKFLOW, retry=Retry((1, 5, 30, 60)), is_chore=True)
def apply_events(run: RunContext) -> None:
    """The reader: apply what providers told us, in the order of its coming."""
    reader.read(run)


@workflow("messaging.enquire", cron="*/5 * * * *", singleton=Singleton(), retry=Retry((60, 300)))
def enquire(run: RunContext) -> None:
    """Ask providers about messages of which they have told no end for over an hour, a few at a time."""
    asking.ask(run)


@workflow("messaging.refresh_content", retry=NO_RETRY)
def refresh_content(run: RunContext, *, block: str) -> str:
    """Fetch a block of external content; where that fails the last good copy stays, and the block says why."""
    outcome: str = run.step("fetch", refresh, ContentBlock.from_public_id(block))
    return outcome


@workflow("messaging.send_proof", retry=Retry((2, 10, 60)), on_failure="messaging.proof_failed")
def send_proof(run: RunContext, *, proof: str) -> str:
    """Hand a test over to its provider."""
    status: str = run.step("hand over", hand_over, Proof.from_public_id(proof))
    return status


@workflow("messaging.proof_failed")
def proof_failed(
    this: RunContext, /, *, run: str, input: dict[str, Any], error: dict[str, Any]
) -> None:
    """Say on a test why it was given up."""
    settle(Proof.from_public_id(input["proof"]), problem=error["message"])


@workflow("messaging.erase")
def erase(run: RunContext, *, contact: str) -> int:
    """Clean frozen bytes of a person who was erased; return how many batches held any."""
    return erasure.erase(run, Contact.from_public_id(contact))


@workflow("messaging.tend_lanes", cron="* * * * *")
def tend_lanes(run: RunContext) -> int:
    """Start the lanes, and the reader of events, whose run died while work waits; return how many."""
    return lanes.tend() + reader.tend()

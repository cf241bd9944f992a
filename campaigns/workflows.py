"""Durable work: send a campaign, start it on time, catch what should have started."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.actions import start_due_campaigns
from campaigns.ending import bring_back, end_abandoned, fail_campaign, finish_campaign
from campaigns.guard import guard
from campaigns.models import Campaign
from campaigns.outlook import outlook_of
from campaigns.states import Status
from campaigns.steps import WRITE
from jobs.backup import backup_schedule
from jobs.context import RunContext
from jobs.models import Run
from jobs.registry import workflow
from messaging.streams import Tally, tally, write_messages

# Django-Q2's own scheduler looks too, so that a broken cron of ours delays no campaign for long.
backup_schedule("campaigns.check_scheduled", "campaigns.actions.start_due_campaigns", minutes=5)

#: How often the ledger is looked at while it moves, and when only a few are left.
LOOK_SECONDS = 2.0
LAST_LOOKS_SECONDS = 0.2
A_FEW = 1_000
#: … and when nothing can go before some later moment.
RESTING_SECONDS = 15.0
#: With a few left at a slow sender, the next look comes after this share of the time that they take.
SHARE_OF_THE_TIME_LEFT = 0.1
#: Looking at a long ledger takes a while: it may cost this share of a worker's time.
SHARE_OF_A_WORKER = 0.05


@workflow("campaigns.send", on_failure="campaigns.send_failed")
def send(run: RunContext, *, campaign: str) -> str:
    """Write the messages, follow the ledger until every one is settled, end the campaign.

    1. A run that is retried takes its failed campaign back to sending.
    2. The audience is written in chunks, each a database step: a crash repeats none and skips none.
    3. While messages are pending or on their way the worker is given back between two looks.
    4. The campaign ends as sent, or as cancelled where a person asked for that.
    """
    sent = Campaign.from_public_id(campaign)
    _take_back(run, sent)
    _write_audience(run, sent)
    _follow(run, sent)
    status: str = run.transaction("finish", finish_campaign, sent, actor=run.actor)
    return status


def _take_back(run: RunContext, campaign: Campaign) -> None:
    with transaction.atomic():
        if bring_back(campaign, actor=run.actor):
            run.renew()  # fenced: a run that lost its lease brings nothing back


def _write_audience(run: RunContext, campaign: Campaign) -> None:
    after: str | None = None
    total = 0
    while True:
        chunk = run.transaction(WRITE, _write, run, campaign, after=after, before=total)
        after, total = chunk["after"], total + chunk["written"]
        if after is None:
            return


def _write(
    run: RunContext, campaign: Campaign, *, after: str | None, before: int
) -> dict[str, Any]:
    """Write a chunk and tell of it within its step: a run that comes by again has other things to tell."""
    chunk = write_chunk(campaign, after=after)
    run.progress(0, None, f"{before + chunk['written']:,} messages written")
    return chunk


def write_chunk(campaign: Campaign, *, after: str | None) -> dict[str, Any]:
    """Write the next messages, to members from before the launch; `after` is None at the end.

    In a cancelled campaign they are written as cancelled, so that the ledger names everybody.
    """
    assert campaign.launched_at is not None
    last, written = write_messages(
        campaign.ledger,
        lists=campaign.lists.all(),
        joined_before=campaign.launched_at,
        after=UUID(after) if after else None,
    )
    return {"after": str(last) if last else None, "written": written}


def _follow(run: RunContext, campaign: Campaign) -> None:
    """Return once nothing is pending or on its way; give the worker back until then."""
    start = perf_counter()
    figures = tally(campaign.ledger)
    took = perf_counter() - start
    moving = figures.pending + figures.sending
    run.progress(figures.total - moving, figures.total, _standing(figures))
    if moving:
        campaign.refresh_from_db()
        if campaign.status == Status.SENDING:
            guard(campaign, figures)
        run.snooze(max(seconds_between_looks(campaign, figures), took / SHARE_OF_A_WORKER))


def seconds_between_looks(campaign: Campaign, figures: Tally) -> float:
    """Return the seconds until the next look: few near the end, many while nothing can go out."""
    if _is_stopped(campaign):
        return LOOK_SECONDS if figures.sending else RESTING_SECONDS
    if outlook_of(campaign, figures).is_resting:
        return RESTING_SECONDS
    left = figures.pending + figures.sending
    if left > A_FEW:
        return LOOK_SECONDS
    seconds = left / (campaign.sender.rate_per_second or float("inf"))
    return min(LOOK_SECONDS, max(LAST_LOOKS_SECONDS, seconds * SHARE_OF_THE_TIME_LEFT))


def _is_stopped(campaign: Campaign) -> bool:
    """Whether a person must act before anything more goes out; who resumes or cancels it wakes the run."""
    is_paused = campaign.status == Status.PAUSED or campaign.sender.is_paused
    return is_paused and not campaign.is_cancelling


def _standing(figures: Tally) -> str:
    others = {
        "skipped": figures.skipped,
        "failed": figures.failed,
        "in doubt": figures.in_doubt,
    }
    words = [f"{figures.sent:,} sent", *(f"{n:,} {word}" for word, n in others.items() if n)]
    return ", ".join(words)


@workflow("campaigns.send_failed")
def send_failed(
    this: RunContext, /, *, run: str, input: dict[str, Any], error: dict[str, Any]
) -> None:
    """Mark the campaign of a failed run as failed, unless the run was retried meanwhile."""
    failed = Run.from_public_id(run)
    if failed.status == Run.Status.FAILED:
        campaign = Campaign.from_public_id(input["campaign"])
        fail_campaign(campaign, why=f"{error['type']}: {error['message']}", actor=this.actor)


@workflow("campaigns.start")
def start(run: RunContext, *, campaign: str) -> list[str]:
    """Start one scheduled campaign if its time has come; rescheduled or sent, leave it alone."""
    only = Campaign.from_public_id(campaign)
    return [start.outcome for start in start_due_campaigns(only=only, actor=run.actor)]


@workflow("campaigns.check_scheduled", cron="*/2 * * * *")
def check_scheduled(run: RunContext) -> list[str]:
    """Start what should have started and did not; end what lost its run."""
    end_abandoned(actor=run.actor)
    return [start.outcome for start in start_due_campaigns(actor=run.actor)]

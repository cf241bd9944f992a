"""What a campaign's own run does to it: finish, fail, come back."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from campaigns.models import Campaign
from campaigns.moves import moved
from campaigns.states import UNDER_WAY, Status
from campaigns.wording import nobody_got_it
from core import audit
from core.clock import now
from jobs.models import Run
from messaging.models import Stream
from messaging.streams import close_stream, pause_stream, resume_stream, tally


@transaction.atomic
def finish_campaign(campaign: Campaign, *, actor: str) -> Status:
    """End a settled campaign as `sent`, or as `cancelled` where a person asked for that; return how it stands.

    One that was sent and reached nobody keeps in `failure` why not.
    """
    _lock(campaign)
    target = Status.CANCELLED if campaign.is_cancelling else Status.SENT
    why = nobody_got_it(tally(campaign.ledger)) if target == Status.SENT else ""
    if moved(campaign, allowed=UNDER_WAY, to=target, failure=why, finished_at=now()):
        audit.record("campaign.finished", campaign, actor=actor, status=target)
    campaign.refresh_from_db()
    return Status(campaign.status)


@transaction.atomic
def fail_campaign(campaign: Campaign, *, why: str, actor: str) -> None:
    """Mark a campaign failed and hold its stream; nothing where it is over already.

    One that was being cancelled is cancelled: its stream is closed, so nothing waits for a retry.
    """
    _lock(campaign)
    target = Status.CANCELLED if campaign.is_cancelling else Status.FAILED
    if moved(campaign, allowed=UNDER_WAY, to=target, failure=why, finished_at=now()):
        _unless_closed(campaign, pause_stream)
        audit.record("campaign.failed", campaign, actor=actor, why=why)


def bring_back(campaign: Campaign, *, actor: str) -> bool:
    """Take a failed campaign back to sending, its run being retried; tell whether it was."""
    is_back = moved(
        campaign, allowed=[Status.FAILED], to=Status.SENDING, failure="", finished_at=None
    )
    if is_back:
        _unless_closed(campaign, resume_stream)
        audit.record("campaign.brought_back", campaign, actor=actor)
    return is_back


def end_abandoned(*, actor: str) -> None:
    """End campaigns whose run a person cancelled in the job log: nobody else would."""
    for campaign in Campaign.objects.under_way().filter(run__status=Run.Status.CANCELLED):
        _end_abandoned(campaign, actor=actor)


@transaction.atomic
def _end_abandoned(campaign: Campaign, *, actor: str) -> None:
    if moved(campaign, allowed=UNDER_WAY, to=Status.CANCELLED, finished_at=now()):
        close_stream(campaign.ledger)
        audit.record("campaign.finished", campaign, actor=actor, status=Status.CANCELLED)


def _lock(campaign: Campaign) -> None:
    """Read the row anew and hold it: who cancels at this moment comes before or after, never between."""
    campaign.refresh_from_db(from_queryset=Campaign.objects.select_for_update(no_key=True))


def _unless_closed(campaign: Campaign, change: Callable[[Stream], None]) -> None:
    """Change the stream, which a cancelled campaign has closed for good."""
    campaign.refresh_from_db()
    if campaign.stream and campaign.cancel_asked_at is None:
        change(campaign.stream)

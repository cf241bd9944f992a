"""Pausing, resuming and cancelling: what staff do to a campaign that has started."""

from __future__ import annotations

from django.db import transaction

from campaigns.actions.scheduling import stop_timer
from campaigns.models import Campaign
from campaigns.moves import conflict, move
from campaigns.states import UNDER_WAY, Status
from core import audit
from core.clock import now
from jobs.actions import wake_run
from messaging.streams import close_stream, pause_stream, resume_stream


@transaction.atomic
def pause_campaign(campaign: Campaign, *, actor: str, reason: str = "") -> Campaign:
    """Hold what was not handed to the provider yet; raise Conflict where it is not sending."""
    _refuse_if_cancelling(campaign, wish="be paused")
    move(
        campaign,
        allowed=[Status.SENDING],
        to=Status.PAUSED,
        wish="be paused",
        paused_reason=reason.strip(),
    )
    pause_stream(campaign.ledger)
    audit.record("campaign.paused", campaign, actor=actor, reason=campaign.paused_reason)
    return campaign


@transaction.atomic
def resume_campaign(campaign: Campaign, *, actor: str) -> Campaign:
    """Go on where it was paused; raise Conflict where it is not paused."""
    _refuse_if_cancelling(campaign, wish="be resumed")
    move(campaign, allowed=[Status.PAUSED], to=Status.SENDING, wish="be resumed", paused_reason="")
    resume_stream(campaign.ledger)
    _look_again(campaign)
    audit.record("campaign.resumed", campaign, actor=actor)
    return campaign


@transaction.atomic
def cancel_campaign(campaign: Campaign, *, actor: str) -> Campaign:
    """Stop it for good: what was not handed over never goes.

    While a batch is on its way it `is_cancelling`; its run ends it once that is settled.
    Raises Conflict where it is a draft or over.
    """
    asked = _ask_to_cancel(campaign)
    if not asked:
        move(
            campaign,
            allowed=[Status.SCHEDULED, Status.FAILED],
            to=Status.CANCELLED,
            wish="be cancelled",
            finished_at=now(),
        )
    stop_timer(campaign, actor=actor)
    if campaign.stream:
        close_stream(campaign.stream)
    _look_again(campaign)
    audit.record("campaign.cancelled", campaign, actor=actor)
    return campaign


def _ask_to_cancel(campaign: Campaign) -> bool:
    rows = Campaign.objects.filter(pk=campaign.pk, status__in=UNDER_WAY, cancel_asked_at=None)
    asked = rows.update(cancel_asked_at=now()) == 1
    campaign.refresh_from_db()
    return asked


def _look_again(campaign: Campaign) -> None:
    """Have its run look at the ledger soon: while it was paused it did so seldom."""
    if campaign.run:
        wake_run(campaign.run)


def _refuse_if_cancelling(campaign: Campaign, *, wish: str) -> None:
    campaign.refresh_from_db()
    if campaign.is_cancelling:
        raise conflict(campaign, wish=wish)

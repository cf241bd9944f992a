"""Sending later: set a time, take it back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.models import Campaign
from campaigns.moments import check_future
from campaigns.moves import conflict, move
from campaigns.readiness import check_parts
from campaigns.states import Status
from core import audit
from core.local_time import zone_named
from jobs.actions import cancel_run, start_run


def schedule_campaign(campaign: Campaign, *, at: datetime, time_zone: str, actor: str) -> Campaign:
    """Let a draft start by itself at `at`; `time_zone` is the zone in which staff read it.

    Raises Refused for a moment that has passed or a campaign that could not go out, Conflict for
    one that is no draft.
    """
    zone_named(time_zone)
    check_future(at)
    campaign.refresh_from_db()
    if campaign.status != Status.DRAFT:
        raise conflict(campaign, wish="be scheduled")
    check_parts(campaign)
    return _schedule(campaign, at=at, time_zone=time_zone, actor=actor)


@transaction.atomic
def _schedule(campaign: Campaign, *, at: datetime, time_zone: str, actor: str) -> Campaign:
    move(
        campaign,
        allowed=[Status.DRAFT],
        to=Status.SCHEDULED,
        wish="be scheduled",
        scheduled_at=at,
        time_zone=time_zone,
        start_problem="",
        asks_since=None,
    )
    campaign.timer = start_run(
        "campaigns.start", input={"campaign": campaign.public_id}, actor=actor, due_at=at
    )
    campaign.save(update_fields=["timer"])
    audit.record(
        "campaign.scheduled", campaign, actor=actor, at=at.isoformat(), time_zone=time_zone
    )
    return campaign


@transaction.atomic
def unschedule_campaign(campaign: Campaign, *, actor: str) -> Campaign:
    """Put a scheduled campaign back to draft; raise Conflict where it is not scheduled."""
    move(
        campaign,
        allowed=[Status.SCHEDULED],
        to=Status.DRAFT,
        wish="go back to draft",
        scheduled_at=None,
        start_problem="",
        asks_since=None,
    )
    stop_timer(campaign, actor=actor)
    audit.record("campaign.unscheduled", campaign, actor=actor)
    return campaign


def stop_timer(campaign: Campaign, *, actor: str) -> None:
    """Cancel the run that waits for the scheduled time, where it still waits."""
    if campaign.timer and not campaign.timer.is_over:
        cancel_run(campaign.timer, actor=actor)

"""Starting what is due: called by the timer, by two independent checkers and by system cron."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from campaigns.actions.launching import launch_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from core import audit
from core.clock import now
from core.errors import Conflict, Refused

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """What became of one due campaign: `started`, `asks`, `refused` or `broken`."""

    campaign: str
    outcome: str
    why: str = ""


def start_due_campaigns(
    at: datetime | None = None, *, only: Campaign | None = None, actor: str = "system"
) -> list[Start]:
    """Start every campaign whose time has come, and say what became of each.

    One that is later than CAMPAIGN_LATE_LIMIT_MINUTES is not started: it asks a person. One that
    may not start keeps the reason in `start_problem` and is tried again. One that breaks stops no
    other. Callers at the same moment start each campaign once.
    """
    moment = at or now()
    due = Campaign.objects.due(moment)
    if only is not None:
        due = due.filter(pk=only.pk)
    starts = [_start(campaign, at=moment, actor=actor) for campaign in due]
    return [start for start in starts if start is not None]


def late_limit() -> timedelta:
    """Return how late a campaign may start without asking."""
    return timedelta(minutes=settings.CAMPAIGN_LATE_LIMIT_MINUTES)


def _start(campaign: Campaign, *, at: datetime, actor: str) -> Start | None:
    if campaign.scheduled_at is not None and at - campaign.scheduled_at > late_limit():
        return _ask(campaign, at=at, actor=actor)
    try:
        launch_campaign(campaign, actor=actor)
    except Conflict:
        return None  # somebody else was faster
    except Refused as refusal:
        return _note(campaign, "refused", str(refusal), actor=actor)
    except Exception as error:  # noqa: BLE001 - one broken campaign must not stop the others
        logger.exception("campaign %s could not be started", campaign.public_id)
        return _note(campaign, "broken", f"Unexpected {type(error).__name__}.", actor=actor)
    return Start(campaign.public_id, "started")


@transaction.atomic
def _ask(campaign: Campaign, *, at: datetime, actor: str) -> Start | None:
    waiting = Campaign.objects.filter(pk=campaign.pk, status=Status.SCHEDULED, asks_since=None)
    if not waiting.update(asks_since=at):
        return None
    audit.record("campaign.asks", campaign, actor=actor, scheduled_at=str(campaign.scheduled_at))
    return Start(campaign.public_id, "asks", "It is late: send it, or put it back to draft.")


@transaction.atomic
def _note(campaign: Campaign, outcome: str, why: str, *, actor: str) -> Start:
    waiting = Campaign.objects.filter(pk=campaign.pk, status=Status.SCHEDULED)
    if waiting.exclude(start_problem=why).update(start_problem=why):
        audit.record("campaign.start_refused", campaign, actor=actor, why=why)
    return Start(campaign.public_id, outcome, why)

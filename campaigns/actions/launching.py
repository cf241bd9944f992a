"""Sending now: the one way a campaign starts, whoever presses or triggers it."""

from __future__ import annotations

from django.db import transaction

from campaigns.models import Campaign
from campaigns.moves import conflict, move
from campaigns.readiness import check_audience, check_parts
from campaigns.states import Status
from core import audit
from core.clock import now
from jobs.actions import start_run
from messaging.models import TemplateVersion
from messaging.streams import open_stream

MAY_LAUNCH = (Status.DRAFT, Status.SCHEDULED)


def launch_campaign(campaign: Campaign, *, actor: str) -> Campaign:
    """Start sending; afterwards `campaign.run` is the run and `campaign.stream` the ledger.

    Raises Conflict where it has started before, Refused where it cannot go out (see `readiness`);
    then nothing has changed. Of several callers at once, one starts it, the others get Conflict.
    """
    campaign.refresh_from_db()
    if campaign.status not in MAY_LAUNCH:
        raise conflict(campaign, wish="be sent")
    version = check_parts(campaign)
    check_audience(campaign)
    return _start(campaign, version=version, actor=actor)


@transaction.atomic
def _start(campaign: Campaign, *, version: TemplateVersion, actor: str) -> Campaign:
    move(
        campaign,
        allowed=MAY_LAUNCH,
        to=Status.SENDING,
        wish="be sent",
        template_version=version,
        launched_at=now(),
        launched_by=actor,
        asks_since=None,
        start_problem="",
    )
    campaign.stream = open_stream(
        campaign.name,
        sender=campaign.sender,
        template_version=version,
        topic=campaign.topic,
        quiet_hours=campaign.quiet_hours,
        over_cap=campaign.over_cap,
    )
    campaign.run = start_run(
        "campaigns.send",
        input={"campaign": campaign.public_id},
        actor=actor,
        idempotency_key=f"campaign:{campaign.pk}",
    )
    campaign.save(update_fields=["stream", "run"])
    audit.record("campaign.launched", campaign, actor=actor, run=campaign.run.public_id)
    return campaign

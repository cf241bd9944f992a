"""The verbs: each is one change, one transaction and one audit entry, whoever presses."""

from __future__ import annotations

from campaigns.actions.control import cancel_campaign, pause_campaign, resume_campaign
from campaigns.actions.drafting import create_campaign, duplicate_campaign, update_campaign
from campaigns.actions.launching import launch_campaign
from campaigns.actions.scheduling import schedule_campaign, unschedule_campaign
from campaigns.actions.starting import start_due_campaigns

__all__ = [
    "cancel_campaign",
    "create_campaign",
    "duplicate_campaign",
    "launch_campaign",
    "pause_campaign",
    "resume_campaign",
    "schedule_campaign",
    "start_due_campaigns",
    "unschedule_campaign",
    "update_campaign",
]

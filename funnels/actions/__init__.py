"""The verbs: each is one change, one transaction and one audit entry, whoever presses."""

from __future__ import annotations

from funnels.actions.attending import (
    complete_event,
    restore_attendance,
    set_attendance,
    settle_event,
)
from funnels.actions.enrolling import enroll, enroll_person, withdraw, withdraw_many
from funnels.actions.events import cancel_event, create_event, update_event
from funnels.actions.launching import end_launch, launch_funnel, pause_launch, resume_launch
from funnels.actions.writing import create_funnel, draft_version, publish, update_funnel

__all__ = [
    "cancel_event",
    "complete_event",
    "create_event",
    "create_funnel",
    "draft_version",
    "end_launch",
    "enroll",
    "enroll_person",
    "launch_funnel",
    "pause_launch",
    "publish",
    "restore_attendance",
    "resume_launch",
    "set_attendance",
    "settle_event",
    "update_event",
    "update_funnel",
    "withdraw",
    "withdraw_many",
]

"""Every noun of funnels."""

from __future__ import annotations

from funnels.models.enrollments import (
    Enrollment,
    Registration,
    messages_to,
    remember_reminders,
)
from funnels.models.events import Event
from funnels.models.funnels import Funnel, FunnelVersion, Step
from funnels.models.launches import Launch, StepStream
from funnels.models.zoom import Presence, ZoomNotice

__all__ = [
    "Enrollment",
    "Event",
    "Funnel",
    "FunnelVersion",
    "Launch",
    "Presence",
    "Registration",
    "Step",
    "StepStream",
    "ZoomNotice",
    "messages_to",
    "remember_reminders",
]

"""The app that accompanies people before and after an event."""

from __future__ import annotations

from django.apps import AppConfig


class FunnelsConfig(AppConfig):
    """Events, registrations, and the messages that follow each person through a funnel."""

    name = "funnels"
    verbose_name = "Event funnels"

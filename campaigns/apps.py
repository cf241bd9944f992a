"""The app that staff send campaigns with."""

from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Campaigns: one template to the people of some lists, once."""

    name = "campaigns"
    verbose_name = "Campaigns"

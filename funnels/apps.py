"""The app that accompanies people before and after an event."""

from __future__ import annotations

from django.apps import AppConfig


class FunnelsConfig(AppConfig):
    """Events, registrations, and the messages that follow each person through a funnel."""

    name = "funnels"
    verbose_name = "Event funnels"

    def ready(self) -> None:
        """Register what rows can become, and what is known and forgotten of a person."""
        from funnels import remembering
        from funnels.importing import Attendances, EventRegistrations
        from imports.targets import register
        from messaging import dossier
        from messaging.actions import erasing

        register(EventRegistrations())
        register(Attendances())
        dossier.register_part("registrations", remembering.registrations_of)
        erasing.register_part("registrations", remembering.forget)

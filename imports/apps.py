"""Imports as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        """Register what rows can become, of the things that stand below imports, and what is known of a person."""
        from imports.clients import Clients
        from imports.clients_asked import ClientsAsked
        from imports.contacts import Contacts
        from imports.erasing import forget
        from imports.people import told_of
        from imports.suppressions import Suppressions
        from imports.targets import register
        from messaging import dossier
        from messaging.actions import erasing

        register(Clients())
        register(ClientsAsked())
        register(Contacts())
        register(Suppressions())
        dossier.register_part("imports", told_of)
        erasing.register_part("imports", forget)

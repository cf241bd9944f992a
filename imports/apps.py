"""Imports as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        """Register what rows can become, of the things that stand below imports."""
        from imports.contacts import Contacts
        from imports.suppressions import Suppressions
        from imports.targets import register

        register(Contacts())
        register(Suppressions())

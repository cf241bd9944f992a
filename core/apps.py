"""The foundation as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Foundation"

    def ready(self) -> None:
        """Have the lookups registered."""
        from core import lookups  # noqa: F401

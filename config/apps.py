"""The house as a Django app: its checks and its commands."""

from __future__ import annotations

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"
    verbose_name = "Longhaul"

    def ready(self) -> None:
        from config import checks  # noqa: F401 - registers them

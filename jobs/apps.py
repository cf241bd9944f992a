"""The engine's app: finds the workflows of all apps, and reports its workers."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Runs"

    def ready(self) -> None:
        from core.health import register_probe
        from jobs.health import report

        autodiscover_modules("workflows")
        register_probe("workers", report)

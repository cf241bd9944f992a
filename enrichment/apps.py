"""The app that asks a model about clients, and pays once."""

from __future__ import annotations

from django.apps import AppConfig


class EnrichmentConfig(AppConfig):
    """Facts about clients, from AI, with cost and source."""

    name = "enrichment"
    verbose_name = "Enrichment"

    def ready(self) -> None:
        from enrichment.shipped import register_all

        register_all()

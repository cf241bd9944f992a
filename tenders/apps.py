"""The app that keeps public notices, provably complete."""

from __future__ import annotations

from django.apps import AppConfig


class TendersConfig(AppConfig):
    """Public notices of OCDS sources: synced, compiled, enriched, and told to those who asked."""

    name = "tenders"
    verbose_name = "Tenders"

    def ready(self) -> None:
        """Bring the question that tenders are classified by."""
        from enrichment.prompts import register
        from tenders.enriching.classifying import CLASSIFY

        register(CLASSIFY)

"""The app that keeps public notices, provably complete."""

from __future__ import annotations

from django.apps import AppConfig


class TendersConfig(AppConfig):
    """Public notices of OCDS sources: synced, compiled, enriched, and told to those who asked."""

    name = "tenders"
    verbose_name = "Tenders"

    def ready(self) -> None:
        """Bring the question that tenders are classified by, and what is known of people who saved searches."""
        from enrichment.prompts import register
        from messaging import dossier
        from messaging.actions import erasing
        from tenders.alerts import persons
        from tenders.enriching.classifying import CLASSIFY

        register(CLASSIFY)
        dossier.register_part("tender_searches", persons.told_of)
        erasing.register_part("tender_searches", persons.forget)

"""The app that keeps public notices, provably complete."""

from __future__ import annotations

from django.apps import AppConfig


class TendersConfig(AppConfig):
    """Public notices of OCDS sources: synced, compiled, enriched, and told to those who asked."""

    name = "tenders"
    verbose_name = "Tenders"

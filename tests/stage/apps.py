"""The stage of the crash tests as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class StageConfig(AppConfig):
    name = "tests.stage"

    def ready(self) -> None:
        from imports.targets import register
        from tests.stage.targets import Stage

        register(Stage())

"""The stage of the crash tests as a Django app."""

from __future__ import annotations

import os

from django.apps import AppConfig


class StageConfig(AppConfig):
    name = "tests.stage"

    def ready(self) -> None:
        from imports.targets import register
        from tests.stage import deaths
        from tests.stage.targets import Stage

        register(Stage())
        if os.environ.get("STAGE_DEATHS"):
            deaths.install()

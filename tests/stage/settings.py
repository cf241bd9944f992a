"""Settings of the real processes that the crash tests start and kill: the product's own, plus workflows to kill."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.stage"]

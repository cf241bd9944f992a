"""Settings of the processes that are measured: the product's own, plus the workflows to measure."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.engine"]

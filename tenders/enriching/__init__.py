"""Fields that releases lack: looked up or classified after saving, so that no tender hangs on it."""

from __future__ import annotations

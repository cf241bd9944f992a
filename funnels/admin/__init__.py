"""The pages of funnels for staff."""

from __future__ import annotations

from funnels.admin import events, funnels, launches, registrations, zoom

__all__ = ["events", "funnels", "launches", "registrations", "zoom"]

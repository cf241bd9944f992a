"""An event funnel at its full size: 20,000 people, and a clock that is moved through the event's whole life."""

from __future__ import annotations

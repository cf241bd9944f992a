"""The durable work of enrichment."""

from __future__ import annotations

from enrichment.workflows import clients, writing

__all__ = ["clients", "writing"]

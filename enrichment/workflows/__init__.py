"""The durable work of enrichment."""

from __future__ import annotations

from enrichment.workflows import clients, evaluating, writing

__all__ = ["clients", "evaluating", "writing"]

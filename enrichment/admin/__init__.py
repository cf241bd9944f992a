"""The pages of enrichment for staff."""

from __future__ import annotations

from enrichment.admin import calls, clients, findings, money, people, prompts, writing

__all__ = ["calls", "clients", "findings", "money", "people", "prompts", "writing"]

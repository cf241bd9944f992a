"""Every noun of enrichment."""

from __future__ import annotations

from enrichment.models.calls import SANDBOX, AiAccount, AiCall
from enrichment.models.clients import (
    Client,
    Competitor,
    FieldChange,
    FieldValue,
    Proposal,
)
from enrichment.models.money import Budget, BudgetUse, ModelPrice
from enrichment.models.people import ClientUser
from enrichment.models.prompts import Prompt, PromptVersion
from enrichment.models.writing import Brief, SearchQuery

__all__ = [
    "SANDBOX",
    "AiAccount",
    "AiCall",
    "Brief",
    "Budget",
    "BudgetUse",
    "Client",
    "ClientUser",
    "Competitor",
    "FieldChange",
    "FieldValue",
    "ModelPrice",
    "Prompt",
    "PromptVersion",
    "Proposal",
    "SearchQuery",
]

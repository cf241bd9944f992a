"""The verbs of messaging: one function, one change, one transaction, one audit entry."""

from __future__ import annotations

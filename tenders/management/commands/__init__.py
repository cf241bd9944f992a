"""The command line of tenders."""

from __future__ import annotations

"""The command line of funnels."""

from __future__ import annotations

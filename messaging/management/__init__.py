"""The command line of messaging."""

from __future__ import annotations

"""The command line of imports."""

from __future__ import annotations

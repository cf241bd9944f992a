"""The command line of campaigns."""

from __future__ import annotations

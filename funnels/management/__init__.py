"""Commands of funnels."""

from __future__ import annotations

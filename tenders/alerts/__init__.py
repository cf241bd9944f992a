"""Saved searches: what they find, and the one message that tells it."""

from __future__ import annotations

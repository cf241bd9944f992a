"""Promises of the outbox: no message lost, none doubled."""

from __future__ import annotations

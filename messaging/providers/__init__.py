"""Who delivers messages, behind one small interface."""

from __future__ import annotations

"""What campaigns promise."""

from __future__ import annotations

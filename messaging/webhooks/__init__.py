"""What providers tell us over HTTP: checked, kept as it came, answered, and applied afterwards by one run."""

from __future__ import annotations

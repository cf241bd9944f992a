"""Local servers that behave like the providers, for tests, rehearsals and benchmarks."""

from __future__ import annotations

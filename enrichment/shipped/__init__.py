"""The prompts that come with enrichment."""

from __future__ import annotations

from enrichment.prompts import register
from enrichment.shipped.clients import ENHANCE
from enrichment.shipped.writing import OUTLINE, QUERIES, RESEARCH, WRITE

ALL = (ENHANCE, QUERIES, RESEARCH, OUTLINE, WRITE)


def register_all() -> None:
    for prompt in ALL:
        register(prompt)

"""The prompts that come with enrichment."""

from __future__ import annotations

from enrichment.prompts import register
from enrichment.shipped.clients import ENHANCE

ALL = (ENHANCE,)


def register_all() -> None:
    for prompt in ALL:
        register(prompt)

"""What is asked for a brief, and what that costs at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enrichment.actions import clients
from enrichment.applying import what_is_known
from enrichment.composing import A_KEY, compose
from enrichment.models import SANDBOX, Brief, Client, PromptVersion
from enrichment.prices import price_of
from enrichment.pricing import MORE_ROOM, most_with_mending
from enrichment.profile import FIELDS, LONGEST_TEXT, MOST_ENTRIES
from enrichment.prompts import version_of
from enrichment.providers.registry import provider_in_use
from enrichment.states import Platform

BRIEFS = "briefs.write"
RESEARCH, OUTLINE, WRITE = "brief-research", "brief-outline", "brief-write"
MOST_KEYWORDS = 50
LONGEST_KEYWORD = 100
LONGEST_GUIDE = 20_000
#: What stands in for texts that are not known yet.
LETTER = "?"


@dataclass(frozen=True)
class BriefCost:
    """What a brief costs at most: were each answer cut off, asked for anew, and then mended."""

    calls: int
    at_most: int
    is_sandbox: bool


def subject_of(brief: Brief) -> dict[str, Any]:
    """Return what every question about a brief tells."""
    told = {name: getattr(brief, name) for name in ("title", "keywords", "purpose", "audience")}
    return told | ({"company": what_is_known(brief.client)} if brief.client else {})


def cost_of_brief(brief: Brief) -> BriefCost:
    """Return what research, outline and text of a brief cost; raise Refused where a model has no price.

    Answers that later questions tell are counted as long as they can be.
    """
    calls = len(brief.platforms) + 2
    if provider_in_use() == SANDBOX:
        return BriefCost(calls, 0, is_sandbox=True)
    about = subject_of(brief)
    research, outline, write = map(version_of, (RESEARCH, OUTLINE, WRITE))
    most = sum(_most_for(research, about | {"platform": each}) for each in brief.platforms)
    told = len(brief.platforms) * research.max_tokens * MORE_ROOM
    about |= {"research": dict.fromkeys(brief.platforms, "")}
    most += _most_for(outline, about, earlier_tokens=told)
    told += outline.max_tokens * MORE_ROOM
    about |= {"outline": "", "style_guide": brief.style_guide}
    about |= {"custom_instructions": brief.instructions}
    most += _most_for(write, about, earlier_tokens=told)
    return BriefCost(calls, most, is_sandbox=False)


def longest_brief(*, with_texts: bool) -> Brief:
    """Return a brief for every platform whose lines are as long as they may be; nothing of it is saved.

    `with_texts`: it is about a client of whom as much is told as can be, and its guide and instructions are as long.
    """
    told = clients.LONGEST_TEXT + len(FIELDS) * MOST_ENTRIES * LONGEST_TEXT
    client = Client(name=LETTER * clients.LONGEST_NAME, web_text=LETTER * told)
    guide = LETTER * LONGEST_GUIDE if with_texts else ""
    return Brief(
        client=client if with_texts else None,
        title=LETTER * 200,
        keywords=[LETTER * LONGEST_KEYWORD] * MOST_KEYWORDS,
        purpose=LETTER * 500,
        audience=LETTER * 500,
        platforms=Platform.values,
        style_guide=guide,
        instructions=guide,
    )


def _most_for(version: PromptVersion, about: dict[str, Any], *, earlier_tokens: int = 0) -> int:
    request = compose(version, about, key=A_KEY, purpose=BRIEFS, name=version.prompt.name)
    return most_with_mending(request, price_of(version.model), earlier_tokens=earlier_tokens)

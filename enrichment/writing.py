"""How answers about queries and briefs are read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from enrichment.profile import Unreadable, clean_text

LONGEST_QUERY = 300
LONGEST_BRIEF = 100_000


def read_queries(
    answer: Mapping[str, Any], *, intents: Collection[str], count: int
) -> list[dict[str, str]]:
    """Return `[{intent, text}…]`: at most `count` for each of these intents, each text once. Raises Unreadable."""
    entries = answer.get("queries")
    if not isinstance(entries, list):
        raise Unreadable("queries: a list of objects with intent and text was expected.")
    found: dict[str, dict[str, str]] = {}
    taken: Counter[str] = Counter()
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise Unreadable("queries: objects with intent and text were expected.")
        intent = str(entry.get("intent"))
        text = clean_text(entry.get("text"), field="text")[:LONGEST_QUERY]
        if intent in intents and text and text.casefold() not in found and taken[intent] < count:
            found[text.casefold()] = {"intent": intent, "text": text}
            taken[intent] += 1
    if not found:
        raise Unreadable("None of the queries has an intent that was asked for, and a text.")
    return list(found.values())


def read_lists(answer: Mapping[str, Any], *names: str) -> dict[str, list[str]]:
    """Return lists of texts by name; raise Unreadable where none has any."""
    found = {}
    for name in names:
        value = answer.get(name)
        entries = value if isinstance(value, list) else [value]
        found[name] = [text for each in entries if (text := clean_text(each, field=name))]
    if not any(found.values()):
        raise Unreadable(f"None of {', '.join(names)} is there.")
    return found


def read_outline(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `[{heading, points}…]`; raise Unreadable where there is no section."""
    sections = answer.get("sections")
    if not isinstance(sections, list) or not sections:
        raise Unreadable("sections: a list of objects with heading and points was expected.")
    return [_section(each) for each in sections]


def _section(section: Any) -> dict[str, Any]:
    if not isinstance(section, Mapping):
        raise Unreadable("sections: objects with heading and points were expected.")
    points = section.get("points")
    listed = points if isinstance(points, list) else [points]
    return {
        "heading": clean_text(section.get("heading"), field="heading"),
        "points": [text for each in listed if (text := clean_text(each, field="points"))],
    }


def read_brief(answer: Mapping[str, Any]) -> str:
    """Return the text of a brief, with its lines; raise Unreadable where there is none."""
    text = answer.get("brief")
    if not isinstance(text, str) or not text.strip():
        raise Unreadable("brief: a text was expected.")
    return text.replace("\0", "").strip()[:LONGEST_BRIEF]

"""What a raw answer is: usable, not in its form, cut off, declined or filtered. Pure; nothing here costs money."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.api.parsing import storable
from enrichment.states import Verdict

#: Some servers put JSON into a fence of Markdown although nobody asked for one.
FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
LONGEST_PROBLEM = 500


@dataclass(frozen=True)
class Judgement:
    """A verdict, and either the answer's members or what is wrong, in words."""

    verdict: Verdict
    answer: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def judge(response: Mapping[str, Any]) -> Judgement:
    """Read a chat completion as far as to its JSON object."""
    choice, message = _first(response.get("choices")), message_of(response)
    if refusal := message.get("refusal"):
        return Judgement(Verdict.REFUSED, problem=_line(refusal))
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        return Judgement(Verdict.FILTERED, problem="The provider's content filter stopped it.")
    if reason == "length":
        return Judgement(Verdict.TRUNCATED, problem="The answer was longer than it may be.")
    return _read(message.get("content"))


def message_of(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the message of a chat completion; empty where it has none."""
    message = _first(response.get("choices")).get("message")
    return message if isinstance(message, Mapping) else {}


def _read(content: Any) -> Judgement:
    if not isinstance(content, str) or not content.strip():
        return Judgement(Verdict.INVALID, problem="The answer is empty.")
    fenced = FENCE.match(content)
    try:
        answer = json.loads(fenced.group(1) if fenced else content)
    except (ValueError, RecursionError) as error:
        return Judgement(Verdict.INVALID, problem=f"The answer is not JSON: {_line(error)}.")
    if not isinstance(answer, dict):
        return Judgement(Verdict.INVALID, problem="The answer is not a JSON object.")
    return Judgement(Verdict.VALID, storable(answer))


def _first(choices: Any) -> Mapping[str, Any]:
    is_list = isinstance(choices, list) and choices
    return choices[0] if is_list and isinstance(choices[0], Mapping) else {}


def _line(text: Any) -> str:
    return " ".join(str(text).split())[:LONGEST_PROBLEM]

"""The built-in model: answers without asking anybody, in the shape that is asked for, and says so in every text.

What it answers about clients was recorded once and is the same each time; for other schemas it makes up the smallest
answer that fits. It costs nothing, and a repeated question gets the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from enrichment.composing import sha256_of
from enrichment.providers.base import Completion

MARK = "Sandbox"
RECORDED: dict[str, Any] = {
    "industry_primary": f"{MARK}: business services",
    "industry_secondary": f"{MARK}: consulting",
    "sub_industry": f"{MARK}: advisory",
    "business_model": f"{MARK}: B2B",
    "geographic_focus": f"{MARK}: national",
    "target_audience": [f"{MARK}: owners of small firms", f"{MARK}: buyers in large firms"],
    "key_products": [f"{MARK}: advice", f"{MARK}: training"],
    "unique_selling_props": [f"{MARK}: answers within a day"],
    "geographic_regions": [f"{MARK}: Gauteng", f"{MARK}: Western Cape"],
    "brand_voice": [f"{MARK}: plain", f"{MARK}: friendly"],
    "customer_problems": [f"{MARK}: too little time"],
    "use_cases": [f"{MARK}: preparing a tender"],
    "industry_terminology": [f"{MARK}: scope of work"],
    "regulatory_considerations": [f"{MARK}: data protection"],
    "competitors": [
        {"name": f"{MARK} One", "domain": "example.com"},
        {"name": f"{MARK} Two", "domain": "example.org"},
    ],
}


class Sandbox:
    """No model at all, for trying everything out without a key."""

    is_free = True

    def complete(self, request: dict[str, Any]) -> Completion:
        schema = request["response_format"]["json_schema"]["schema"]
        content = json.dumps(_fitting(schema, RECORDED | _queries_for(_asked(request))))
        identity = sha256_of(request)[:24]
        body = {
            "id": f"sandbox-{identity}",
            "object": "chat.completion",
            "model": request["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": content, "refusal": None},
                }
            ],
            "usage": _usage(request, content),
            "metadata": request["metadata"],
        }
        return Completion(body)

    def find(self, *, key: str) -> Sequence[Completion]:
        return ()


def _asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of a question, as a model would see it."""
    inside = request["messages"][1]["content"].partition("<data>")[2].partition("</data>")[0]
    found: Mapping[str, Any] = json.loads(inside)
    return found


def _queries_for(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return as many queries for each intent as are asked for, where queries are."""
    if not {"keyword", "intents", "count"} <= asked.keys():
        return {}
    told = [
        {"intent": intent, "text": f"{MARK}: {intent} question {n} about {asked['keyword']}"}
        for intent in asked["intents"]
        for n in range(1, asked["count"] + 1)
    ]
    return {"queries": told}


def _usage(request: Mapping[str, Any], content: str) -> dict[str, int]:
    """Return about as many tokens as a model would count: four letters each."""
    asked = sum(len(message["content"]) for message in request["messages"]) // 4 + 1
    answered = len(content) // 4 + 1
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _fitting(schema: Mapping[str, Any], recorded: Any = None) -> Any:
    """Return a value of a schema: what was recorded where that fits, else the smallest there is."""
    if "enum" in schema:
        return recorded if recorded in schema["enum"] else schema["enum"][0]
    if options := schema.get("anyOf"):
        return _fitting(options[0], recorded)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        known = recorded if isinstance(recorded, Mapping) else {}
        members: Mapping[str, Any] = schema.get("properties") or {}
        return {name: _fitting(each, known.get(name)) for name, each in members.items()}
    if kind == "array":
        kept = (
            recorded if isinstance(recorded, list) else [None] * max(schema.get("minItems", 1), 1)
        )
        return [_fitting(schema.get("items") or {}, each) for each in kept]
    if kind == "string":
        return recorded if isinstance(recorded, str) else f"{MARK}: made up"
    if kind in ("number", "integer"):
        return schema.get("minimum", 0) if kind == "integer" else 0.9
    return False if kind == "boolean" else None

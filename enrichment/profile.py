"""What can be known of a client, and how an answer about it is read. Pure.

Only the fields that stand here can be written, whatever an answer says; a scalar where a list belongs is taken for its
one element, what is missing for nothing. Lists hold 3 entries at most, competitors 5.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from enrichment.domains import registrable

MOST_COMPETITORS = 5
MOST_ENTRIES = 3
LONGEST_TEXT = 300
LONGEST_NAME = 200


@dataclass(frozen=True)
class ProfileField:
    """One thing that can be known of a client."""

    name: str
    label: str
    is_list: bool = False


FIELDS: dict[str, ProfileField] = {
    field.name: field
    for field in (
        ProfileField("industry_primary", "Industry"),
        ProfileField("industry_secondary", "Second industry"),
        ProfileField("sub_industry", "Branch"),
        ProfileField("business_model", "Business model"),
        ProfileField("geographic_focus", "Geographic focus"),
        ProfileField("target_audience", "Audience", is_list=True),
        ProfileField("key_products", "Products", is_list=True),
        ProfileField("unique_selling_props", "What sets it apart", is_list=True),
        ProfileField("geographic_regions", "Regions", is_list=True),
        ProfileField("brand_voice", "Voice", is_list=True),
        ProfileField("customer_problems", "Problems of its customers", is_list=True),
        ProfileField("use_cases", "Use cases", is_list=True),
        ProfileField("industry_terminology", "Terms of its industry", is_list=True),
        ProfileField("regulatory_considerations", "Regulation", is_list=True),
    )
}


def label_of(field: str) -> str:
    """Return how staff call a field; what is none of the profile is a competitor's."""
    return FIELDS[field].label if field in FIELDS else "Competitor"


class Unreadable(ValueError):
    """The answer is not in the form that was asked for; says what is wrong, for the model to mend it."""


@dataclass(frozen=True)
class Finding:
    """One value of an answer, and how sure the model is (0 to 1; None where it does not say)."""

    field: str
    value: Any
    confidence: float | None


def read_profile(answer: Mapping[str, Any], *, domain: str = "") -> dict[str, Any]:
    """Return `{"fields": [finding…], "competitors": [{name, domain, confidence}…]}`; raise Unreadable.

    The client's own domain is no competitor; of several competitors with one domain the first counts.
    """
    if not any(name in answer for name in (*FIELDS, "competitors")):
        raise Unreadable(f"None of the fields {', '.join(FIELDS)} is there.")
    sure = answer.get("confidence")
    confidence = sure if isinstance(sure, Mapping) else {}
    found = [
        {"field": name, "value": value, "confidence": _share(confidence.get(name))}
        for name, field in FIELDS.items()
        if (value := clean_value(field, answer.get(name)))
    ]
    competitors = _competitors(answer.get("competitors"), own=domain)
    certain = _share(confidence.get("competitors"))
    return {
        "fields": found,
        "competitors": [{**each, "confidence": certain} for each in competitors],
    }


def clean_value(field: ProfileField, value: Any) -> Any:
    """Return a value as it is kept: a text or a list of them, trimmed, each once. Raises Unreadable for an object."""
    if not field.is_list:
        return clean_text(value, field=field.name)
    entries = value if isinstance(value, list) else [value]
    texts = [clean_text(entry, field=field.name) for entry in entries]
    return _each_once(text for text in texts if text)[:MOST_ENTRIES]


def clean_text(value: Any, *, field: str) -> str:
    """Return one line of text without control characters; numbers are written out, nothing is empty."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, dict | list):
        raise Unreadable(f"{field}: a text was expected, not {type(value).__name__}.")
    plain = "".join(
        " " if unicodedata.category(letter).startswith("C") else letter for letter in str(value)
    )
    return " ".join(plain.split())[:LONGEST_TEXT].rstrip()


def _competitors(value: Any, *, own: str) -> list[dict[str, str]]:
    entries = value if isinstance(value, list) else [value] if value else []
    found: dict[str, dict[str, str]] = {}
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise Unreadable("competitors: objects with name and domain were expected.")
        name = clean_text(entry.get("name"), field="competitors.name")[:LONGEST_NAME]
        domain = registrable(clean_text(entry.get("domain"), field="competitors.domain"))
        if domain and domain != own:
            found.setdefault(domain, {"name": name or domain, "domain": domain})
    return list(found.values())[:MOST_COMPETITORS]


def _each_once(texts: Iterable[str]) -> list[str]:
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(text.casefold(), text)
    return list(first.values())


def _share(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None

"""Web domains in one form: the registrable part, `example.co.uk` of `https://www.Example.co.uk/about`.

The list of public suffixes is the one that the library brings: nothing is fetched.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from core.errors import Refused

LONGEST = 253


@cache
def _extractor() -> Any:
    import tldextract  # brings an HTTP library with it, which few processes need

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def registrable(text: str) -> str:
    """Return the registrable domain that an address or a host stands for; empty where there is none."""
    bare = text.strip().rstrip(".").lower()
    if not bare or len(bare) > 2_000 or any(letter.isspace() for letter in bare):
        return ""
    parts = _extractor()(bare)
    if not parts.domain or not parts.suffix:
        return ""
    try:
        found = f"{parts.domain}.{parts.suffix}".encode("idna").decode()
    except UnicodeError:
        return ""
    labels = found.split(".")
    is_sound = all(
        label.replace("-", "").isalnum() and label.strip("-") == label for label in labels
    )
    return found if is_sound and len(found) <= LONGEST else ""


def normalise_domain(text: str, *, field: str = "domain") -> str:
    """Return the registrable domain; raise Refused for what is none."""
    found = registrable(text)
    if not found:
        raise Refused(
            f"{text!r} is no web domain.",
            field=field,
            value=text,
            remedy="Give the domain of a website, such as example.co.uk.",
            code="invalid_domain",
        )
    return found

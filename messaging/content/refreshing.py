"""Getting a fresh copy of a block: `GET <CONTENT_API_URL>/<slug>` with the key as a bearer token.

The API answers 200 with `{"html": "…"}` as JSON, or with HTML itself. 410 means that the block is gone: our copy is
dropped. After anything else the last good copy stays.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from django.conf import settings

from core.api.parsing import is_storable
from core.fetching import Fetched, FetchError, fetch
from messaging.content.blocks import drop, keep, note_problem
from messaging.content.cleaning import Cleaned, clean
from messaging.models import ContentBlock

#: Seconds for all of it, and the most bytes of an answer; mail programs cut a message of 102 KB.
PATIENCE = 10.0
MAX_BYTES = 100_000
GONE = 410


def refresh(block: ContentBlock) -> str:
    """Ask the API for a block, outside any transaction; return what came of it, in words."""
    try:
        fetched = _fetch(block.slug)
        if fetched.status == GONE:
            drop(block)
            return "gone"
        cleaned = read(fetched)
    except FetchError as error:
        note_problem(block, str(error))
        return f"kept as it was: {error}"
    keep(block, cleaned)
    return "fetched"


def _fetch(slug: str) -> Fetched:
    if not settings.CONTENT_API_URL:
        raise FetchError("There is no Content API: CONTENT_API_URL is empty.")
    key = settings.CONTENT_API_KEY
    accept = {"Accept": "application/json, text/html;q=0.9"}
    return fetch(
        f"{settings.CONTENT_API_URL}/{quote(slug, safe='')}",
        seconds=PATIENCE,
        max_bytes=MAX_BYTES,
        headers={**accept, **({"Authorization": f"Bearer {key}"} if key else {})},
        private_hosts=settings.CONTENT_PRIVATE_HOSTS,
    )


def read(fetched: Fetched) -> Cleaned:
    """Return the cleaned block in an answer; raise FetchError for one that holds none."""
    if fetched.status != 200:
        raise FetchError(f"It answers {fetched.status}.")
    try:
        text = fetched.body.decode()
        html = json.loads(text)["html"] if fetched.content_type == "application/json" else text
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FetchError("Its answer is neither HTML nor JSON with a member html.") from None
    if fetched.content_type not in {"application/json", "text/html"}:
        raise FetchError(f"It answers {fetched.content_type or 'nothing that has a type'}.")
    if not isinstance(html, str) or not is_storable(html):
        raise FetchError("Its html is no text that can be stored.")
    cleaned = clean(html)
    if not cleaned.html:
        raise FetchError("Nothing is left of its html once it is cleaned.")
    return cleaned

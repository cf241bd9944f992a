"""From one page of a source to the next: pure decisions on addresses."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from tenders.models.sources import Paging, TenderSource

FIRST = 1


class BadLink(Exception):
    """The next page is named in a way that cannot be followed; says why."""


def first_url(source: TenderSource, *, start: datetime, end: datetime) -> str:
    """Return the address of the first page of a span, asked for with the source's overlap before it."""
    given = dict(source.params)
    given[source.from_param] = source.spelt(start - source.overlap)
    given[source.to_param] = source.spelt(end)
    if source.size_param:
        given[source.size_param] = str(source.page_size)
    if source.paging == Paging.NUMBERED:
        given[source.page_param] = str(FIRST)
    return _with(source.url, given)


def next_url(source: TenderSource, *, url: str, named: str, count: int) -> str:
    """Return the address of the page after one with `count` releases, or nothing where that was the last.

    Numbered pages end at an empty one: a short page proves nothing. `named` is what a page says itself; it may lead to
    no other host than the source's. Raises BadLink.
    """
    if source.paging == Paging.NUMBERED:
        return _numbered(source, url) if count else ""
    if not named:
        return ""
    own, found = urlsplit(source.url), urlsplit(urljoin(url, named.strip()))
    if found.netloc.lower() != own.netloc.lower():
        raise BadLink(f"A page names {found.netloc[:100]} for the next one, which is another host.")
    return urlunsplit((own.scheme, own.netloc, found.path, found.query, ""))


def item_url(source: TenderSource, ocid: str) -> str:
    """Return the address of all releases of one process."""
    return source.item_url.replace("{ocid}", ocid)


def page_number(source: TenderSource, url: str) -> int:
    return int(dict(parse_qsl(urlsplit(url).query)).get(source.page_param, FIRST))


def _numbered(source: TenderSource, url: str) -> str:
    number = page_number(source, url)
    return _with(url, {source.page_param: str(number + 1)})


def _with(url: str, given: dict[str, str]) -> str:
    """Return an address with these parameters, in place of those of the same name."""
    parts = urlsplit(url)
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in given]
    query = urlencode([*kept, *given.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))

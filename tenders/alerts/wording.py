"""What an alert says: each tender once, with all that happened to it, in the time of whoever reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from messaging.unsubscribe import OWN_PAGE
from tenders.alerts.links import page_url
from tenders.changes import AMENDING
from tenders.finding import Criteria
from tenders.models import AlertMatch, SavedSearch, Tender, TenderEvent
from tenders.states import EventKind, Frequency, Phase

#: A letter names so many; its page names all. Mail programs cut what is longer than about 100,000 bytes.
MOST_NAMED = 50
TITLE_LENGTH, CHANGE_LENGTH = 160, 300
CLOSES_SOON = "Closes soon"

NEVER = "no date"


def letter_of(search: SavedSearch, matches: Sequence[AlertMatch]) -> dict[str, Any]:
    """Return what the template sees as `data`."""
    groups = by_tender(matches)
    told = tenders_of(groups[:MOST_NAMED], zone=search.zone)
    url = page_url(search)
    return {
        "search": {"name": search.name, "criteria": in_words(Criteria.from_json(search.criteria))},
        "headline": told[0]["title"] if len(groups) == 1 else headline(groups),
        "tenders": told,
        "more": max(len(groups) - MOST_NAMED, 0),
        "page_url": url,
        "rhythm": rhythm(search),
        "sources": ". ".join(sorted({each["source"].rstrip(".") for each in told})),
        OWN_PAGE: url,
    }


def by_tender(matches: Iterable[AlertMatch]) -> list[Group]:
    """Return the matches of each tender together, new tenders first; no tender is read for it."""
    found: dict[UUID, list[AlertMatch]] = defaultdict(list)
    for match in matches:
        found[match.tender_id].append(match)
    groups = [Group(tender, changes) for tender, changes in found.items()]
    return sorted(groups, key=lambda group: not group.is_new)


@dataclass(frozen=True)
class Group:
    """What happened to one tender."""

    tender: UUID
    matches: list[AlertMatch]

    @property
    def is_new(self) -> bool:
        return any(m.event.kind == EventKind.NEW and not m.is_closing for m in self.matches)


def headline(groups: Sequence[Group]) -> str:
    """Return `3 new tenders`, `3 tenders, 2 of them new`, or `3 tenders have changed`."""
    new = sum(group.is_new for group in groups)
    if new == len(groups):
        return f"{new} new tenders"
    return f"{len(groups)} tenders" + (f", {new} of them new" if new else " have changed")


def tenders_of(groups: Sequence[Group], *, zone: tzinfo) -> list[dict[str, Any]]:
    """Return what is told of some tenders, each with its changes in the order in which they came."""
    rows = Tender.objects.select_related("source").defer("words", "description")
    tenders = rows.in_bulk([group.tender for group in groups])
    return [
        {
            **_told(tenders[group.tender], zone),
            "changes": [_change(match, zone) for match in group.matches],
            "is_new": group.is_new,
        }
        for group in groups
    ]


def _change(match: AlertMatch, zone: tzinfo) -> str:
    return CLOSES_SOON if match.is_closing else change(match.event, zone=zone)[:CHANGE_LENGTH]


def _told(tender: Tender, zone: tzinfo) -> dict[str, Any]:
    facts = [
        tender.buyer,
        tender.region,
        f"{tender.currency} {tender.value:,.0f}".strip() if tender.value else "",
    ]
    return {
        "title": str(tender)[:TITLE_LENGTH],
        "facts": " · ".join(filter(None, facts)),
        "closes": spelt(tender.closes_at, zone) if tender.closes_at else "",
        "url": notice_url(tender.compiled),
        "source": tender.source.attribution or tender.source.name,
    }


def change(event: TenderEvent, *, zone: tzinfo) -> str:
    """Return what happened, in a few words."""
    before, after = event.before, event.after
    if event.kind == EventKind.DEADLINE:
        return f"Deadline moved from {_moment(before, zone)} to {_moment(after, zone)}"
    if event.kind == EventKind.DOCUMENTS:
        return "A document changed" if before == after else f"Documents: {before}, now {after}"
    if event.kind == EventKind.AMENDED and isinstance(after, dict):
        return f"Amended: {', '.join(name for name in AMENDING if name in after)}"
    if event.kind == EventKind.AWARDED and isinstance(after, list) and any(after):
        return f"Awarded to {'; '.join(filter(None, after))}"
    return str(event.get_kind_display())


def _moment(text: Any, zone: tzinfo) -> str:
    return spelt(datetime.fromisoformat(text), zone) if isinstance(text, str) else NEVER


def spelt(at: datetime, zone: tzinfo) -> str:
    """Return `5 March 2026, 14:00`."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M}"


def notice_url(compiled: dict[str, Any]) -> str:
    """Return where the notice can be read: the first of its documents with a web address, or nothing."""
    tender = compiled.get("tender")
    documents = tender.get("documents") if isinstance(tender, dict) else None
    for document in documents if isinstance(documents, list) else []:
        url = document.get("url") if isinstance(document, dict) else None
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            return url[:2000]
    return ""


def rhythm(search: SavedSearch) -> str:
    """Return `every Monday at 07:00 (Africa/Johannesburg)`."""
    zone = search.time_zone.replace("_", " ")
    if search.frequency == Frequency.INSTANT:
        return "as it happens"
    day = "day" if search.frequency == Frequency.DAILY else search.get_weekday_display()
    return f"every {day} at {search.hour:02}:00 ({zone})"


def in_words(criteria: Criteria) -> str:
    """Return what is looked for as a person would say it; `every tender` where nothing is."""
    return "; ".join(_parts(criteria)) or "every tender"


def _parts(criteria: Criteria) -> Iterator[str]:
    for label, text in (
        ("all of", criteria.all),
        ("any of", criteria.any),
        ("none of", criteria.none),
        ("buyer", criteria.buyer),
    ):
        if text.strip():
            yield f"{label}: {text.strip()}"
    if criteria.exact.strip():
        yield f"“{criteria.exact.strip()}”"
    for label, values in (
        ("source", criteria.sources),
        ("category", criteria.categories),
        ("CPV", criteria.cpv),
        ("region", criteria.regions),
        ("phase", [Phase(phase).label for phase in criteria.phases if phase in Phase.values]),
    ):
        if values:
            yield f"{label}: {' or '.join(values)}"
    yield from _bounds(criteria)


def _bounds(criteria: Criteria) -> Iterator[str]:
    currency = f" {criteria.currency.upper()}" if criteria.currency else ""
    if criteria.least_value is not None:
        yield f"at least {criteria.least_value:,}{currency}"
    if criteria.most_value is not None:
        yield f"at most {criteria.most_value:,}{currency}"
    if currency and criteria.least_value is None and criteria.most_value is None:
        yield f"in{currency}"
    if criteria.closing_within_days is not None:
        yield f"closing within {criteria.closing_within_days} days"
    if criteria.published_from:
        yield f"published from {criteria.published_from:%d %B %Y}"
    if criteria.published_to:
        yield f"published before {criteria.published_to:%d %B %Y}"
    if criteria.is_open:
        yield "still open"

"""What concerns whom: changes that nobody looked at yet, beside the saved searches.

A change carries its own mark (`is_due`), which the transaction that looks at it takes off. So nothing depends on the
order in which syncs commit: a change that is late is looked at late. A search is told of a change when the tender
matches now, or when it was told of that tender before: whoever heard of a tender hears that it was cancelled, though by
then it is no open tender any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from core import clock
from core.bulk import insert_missing_rows
from core.errors import Refused
from tenders.alerts.pausing import set_aside
from tenders.finding import Criteria, matching
from tenders.models import AlertMatch, SavedSearch, Tender, TenderEvent

CHUNK = 500
#: A tender that is enriched later than this after a change is no news any more.
STILL_NEWS = timedelta(days=14)
COLUMNS = ("search", "event", "tender", "is_closing", "at")

Pair = tuple[UUID, UUID]  # a search and a tender


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that is due, as far as matching cares."""

    id: int
    tender: UUID
    kind: str
    matched_at: datetime | None

    def concerns(self, search: SavedSearch) -> bool:
        """Whether a search of this age asks for this kind: what is looked at again is no news to a younger one."""
        is_older = self.matched_at is None or search.created_at <= self.matched_at
        return is_older and self.kind in search.wanted_kinds


@transaction.atomic
def match_chunk(*, limit: int = CHUNK) -> int:
    """Match the next changes that are due, in one transaction that takes them off; return how many there were."""
    changes = _take(limit)
    if not changes:
        return 0
    searches = list(SavedSearch.objects.active().order_by("pk"))
    tenders = {change.tender for change in changes}
    pairs = _matching(searches, tenders) | _known(searches, tenders)
    by_search = {search.pk: search for search in searches}
    by_tender = _by_tender(changes)
    found = (
        (key, change.id, tender)
        for key, tender in pairs
        for change in by_tender[tender]
        if change.concerns(by_search[key])
    )
    _insert(
        sorted(found, key=lambda row: row[1])
    )  # a letter tells in the order in which it happened
    return len(changes)


def look_again(tenders: Collection[Any]) -> int:
    """Have what was lately told of these tenders matched anew, because more is known of them now.

    Called in the transaction that says more (an enrichment). What was matched stays; nothing is mentioned twice.
    """
    lately = TenderEvent.objects.filter(
        tender__in=tenders, is_news=True, is_due=False, at__gte=clock.now() - STILL_NEWS
    )
    return lately.update(is_due=True)


@transaction.atomic
def look_ahead() -> int:
    """Match what nothing but the time brought within "closing within N days"; return how many tenders.

    Each such search has looked at all that closes until `looked_until`. A tender stands in it for its last change.
    """
    now, found = clock.now(), 0
    for search in SavedSearch.objects.active().exclude(looked_until=None).order_by("pk"):
        until = now + timedelta(days=search.criteria["closing_within_days"])
        coming = Tender.objects.filter(closes_at__gt=search.looked_until, closes_at__lte=until)
        known = AlertMatch.objects.filter(tender=OuterRef("pk"), search=search)
        tenders = _found_by(search, coming.filter(~Exists(known)))
        last = tenders.annotate(last=Max("events")).exclude(last=None)
        rows = [(search.pk, event, pk) for pk, event in last.values_list("pk", "last").order_by()]
        _insert(rows, is_closing=True)
        SavedSearch.objects.filter(pk=search.pk).update(looked_until=until)
        found += len(rows)
    return found


def _take(limit: int) -> list[_Change]:
    """Lock the next changes that are due and take their mark off.

    Whoever learns more of their tenders meanwhile waits for the lock, and puts the mark on anew.
    """
    due = TenderEvent.objects.to_match().select_for_update(of=("self",)).order_by("pk")[:limit]
    changes = [_Change(*row) for row in due.values_list("pk", "tender_id", "kind", "matched_at")]
    TenderEvent.objects.filter(pk__in=[change.id for change in changes]).update(
        is_due=False, matched_at=Coalesce(F("matched_at"), clock.now())
    )
    return changes


def _by_tender(changes: Iterable[_Change]) -> dict[UUID, list[_Change]]:
    found: dict[UUID, list[_Change]] = defaultdict(list)
    for change in changes:
        found[change.tender].append(change)
    return found


def _matching(searches: Iterable[SavedSearch], tenders: Collection[UUID]) -> set[Pair]:
    """Return which tenders match which searches, as they stand: one statement per search."""
    among = Tender.objects.filter(pk__in=tenders)
    return {
        (search.pk, tender)
        for search in searches
        for tender in _found_by(search, among).values_list("pk", flat=True).order_by()
    }


def _known(searches: Iterable[SavedSearch], tenders: Collection[UUID]) -> set[Pair]:
    """Return which searches were told of which tenders before."""
    told = AlertMatch.objects.filter(tender__in=tenders, search__in=[s.pk for s in searches])
    return set(told.values_list("search_id", "tender_id").distinct().order_by())


def _found_by(search: SavedSearch, among: QuerySet[Tender]) -> QuerySet[Tender]:
    """Return what a search finds; one that cannot be understood any more rests, and holds no other up."""
    try:
        return matching(Criteria.from_json(search.criteria), among=among)
    except (Refused, TypeError, ValueError, ArithmeticError) as error:
        set_aside(search, why=str(error))
        return Tender.objects.none()


def _insert(rows: Iterable[Sequence[Any]], *, is_closing: bool = False) -> None:
    now = clock.now()
    wanted = [(*row, is_closing, now) for row in rows]
    if wanted:
        insert_missing_rows(AlertMatch, COLUMNS, wanted)

"""Telling: what a search found since its last message becomes one message, in one transaction, or none does.

1. Lock the searches whose moment has come. 2. Take what each has not mentioned yet. 3. Write its digest and its
message, and mark what it mentions. Where nothing was found nothing is written. The outbox hands the message over, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from core import clock
from messaging.lanes import ensure_lanes
from messaging.models import Message, Sender, Stream
from messaging.planned import Planned, write_planned
from messaging.states import Purpose
from messaging.streams import standing_stream
from tenders.alerts.letters import alert_version
from tenders.alerts.periods import next_moment, period
from tenders.alerts.wording import letter_of
from tenders.models import AlertDigest, AlertMatch, SavedSearch
from tenders.states import Frequency

CHUNK = 100
#: Behind what leads to an event or answers a person, before newsletters.
PRIORITY = 20

Telling = tuple[SavedSearch, list[AlertMatch], str]  # with the period


@transaction.atomic
def write_chunk(*, limit: int = CHUNK) -> dict[str, int]:
    """Write the messages of the next searches that are due; return how many were `looked` at and `written`."""
    searches = _due(limit)
    found = [(search, _untold(search)) for search in searches]
    tellings = [(s, matches, _period(s, matches)) for s, matches in found if matches]
    _write(tellings)
    for search in searches:
        _move_on(search)
    return {"looked": len(searches), "written": len(tellings)}


def _due(limit: int) -> list[SavedSearch]:
    """Lock the active searches whose moment has come; of those that write as it happens, the ones with something."""
    untold = AlertMatch.objects.filter(search=OuterRef("pk"), digest=None)
    has_news = Q(frequency=Frequency.INSTANT) & Exists(untold)
    due = SavedSearch.objects.active().filter(Q(next_at__lte=clock.now()) | has_news)
    locked = due.select_for_update(of=("self",)).order_by("pk")[:limit]
    return list(locked.select_related("contact", "sender"))


def _untold(search: SavedSearch) -> list[AlertMatch]:
    rows = AlertMatch.objects.filter(search=search, digest=None).order_by("pk")
    return list(rows.select_related("event"))


def _period(search: SavedSearch, matches: Sequence[AlertMatch]) -> str:
    """Return what tells this message from all others of the search: its slot, or the last change it mentions."""
    if search.next_at is None:
        return f"{search.frequency}-{matches[-1].pk}"
    return period(search.frequency, search.next_at)


def _write(tellings: Iterable[Telling]) -> None:
    tellings = list(tellings)
    streams = {sender: _stream(sender) for sender in {search.sender for search, _, _ in tellings}}
    due = write_planned([_message(*each, stream=streams[each[0].sender]) for each in tellings])
    for search, matches, name in tellings:
        digest = AlertDigest.objects.create(
            search=search,
            period=name,
            message=Message.objects.get(stream=streams[search.sender], key=_key(search, name)),
            change_count=len(matches),
            tender_count=len({match.tender_id for match in matches}),
            created_at=clock.now(),
        )
        AlertMatch.objects.filter(pk__in=[match.pk for match in matches]).update(digest=digest)
    for sender in due:
        ensure_lanes(sender)


def _stream(sender: Sender) -> Stream:
    """Return the stream of a sender's alerts: transactional, because each was asked for by its reader, by name."""
    return standing_stream(
        "tenders.alerts",
        title="Tender alerts",
        sender=sender,
        template_version=alert_version(),
        priority=PRIORITY,
        purpose=Purpose.TRANSACTIONAL,
    )


def _message(
    search: SavedSearch, matches: Sequence[AlertMatch], name: str, *, stream: Stream
) -> Planned:
    return Planned(
        stream=stream,
        key=_key(search, name),
        contact=search.contact,
        data=letter_of(search, matches),
    )


def _key(search: SavedSearch, name: str) -> str:
    return f"{search.public_id}/{name}"


def _move_on(search: SavedSearch) -> None:
    """Set the next moment: however late this one was, what was missed is made up for once."""
    if search.next_at is None:
        return
    following = next_moment(
        max(clock.now(), search.next_at),
        frequency=search.frequency,
        hour=search.hour,
        weekday=search.weekday,
        zone=search.zone,
    )
    SavedSearch.objects.filter(pk=search.pk).update(next_at=following)

"""The lives of messages in the database: locked, moved on, and counted by the hour, many in a few statements.

Whoever moves a life holds the message's row, and writes the stream's counts in the same transaction: so the counts
always add up to the ledger. Lock order: messages by key, then what else, then counts by stream, stage and hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet, Sum

from core.sql import update_from
from messaging.life import MOMENTS, Happening, Life, Stage
from messaging.models import Message, Stream, StreamHour

COLUMNS = tuple(f"{stage.value}_at" for stage in MOMENTS)
NEEDED = ("stream_id", "contact_id", "address", "status", "delivery", "trouble", *COLUMNS)
Counts = Counter[tuple[UUID, str, datetime]]


def lock(ids: Collection[int], *, wait: bool = False) -> dict[int, Message]:
    """Lock messages, passing over those that somebody else holds right now unless told to wait."""
    rows = Message.objects.filter(pk__in=ids).order_by("pk").only("id", *NEEDED)
    return {row.pk: row for row in rows.select_for_update(skip_locked=not wait, no_key=True)}


def tell(told: Mapping[int, Collection[Happening]], *, messages: Mapping[int, Message]) -> int:
    """Move the lives of locked messages on and count what is new; return how many lives changed."""
    rows: list[tuple[Any, ...]] = []
    counts: Counts = Counter()
    for id in sorted(told):
        message = messages[id]
        before = life_of(message)
        after = before.after(told[id])
        if after != before:
            rows.append((id, after.delivery, after.trouble, *map(after.moments.get, MOMENTS)))
            counts.update(_changes(message, before, after))
    update_from(Message, ("delivery", "trouble", *COLUMNS), rows)
    _count(counts)
    return len(rows)


def life_of(message: Message) -> Life:
    """Return the life that a row holds."""
    moments = {stage: getattr(message, f"{stage.value}_at") for stage in MOMENTS}
    known = {stage: at for stage, at in moments.items() if at is not None}
    return Life(message.delivery, message.trouble, known)


def counts(streams: Iterable[Stream]) -> dict[Stage, int]:
    """Return how many messages of these streams ever reached each stage."""
    sums = hours(streams).values_list("stage").annotate(Sum("count")).order_by()
    found = {Stage(stage): total for stage, total in sums}
    return {stage: found.get(stage, 0) for stage in MOMENTS}


def hours(streams: Iterable[Stream]) -> QuerySet[StreamHour]:
    """Return the counts of these streams by stage and hour, oldest first."""
    return StreamHour.objects.filter(stream__in=[each.pk for each in streams]).order_by("hour")


def _changes(message: Message, before: Life, after: Life) -> Counts:
    """Return what to add to the counts: a moment that turns out earlier moves to its own hour."""
    changes: Counts = Counter()
    for stage, at in after.moments.items():
        known = before.moments.get(stage)
        changes[message.stream_id, stage.value, _hour(at)] += 1
        if known is not None:
            changes[message.stream_id, stage.value, _hour(known)] -= 1
    return changes


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _count(counts: Counts) -> None:
    for (stream, stage, hour), count in sorted(counts.items()):
        if count:
            _add(stream, stage, hour, count)


def _add(stream: UUID, stage: str, hour: datetime, count: int) -> None:
    key = Stream._meta.pk.get_db_prep_value(stream, connection)
    moment = connection.ops.adapt_datetimefield_value(hour)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_streamhour (stream_id, stage, hour, count) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (stream_id, stage, hour)"
            " DO UPDATE SET count = messaging_streamhour.count + excluded.count",
            [key, stage, moment, count],
        )

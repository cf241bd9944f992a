"""One short lock per event name, and the shapes by which events of a name are looked for.

Whoever lets an event take effect and whoever begins to wait both hold the name's lock while they write and look, so
one of them always sees the other. Lock order: event rows → event names → the lock of slots → run → step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction

from jobs.database import is_postgres
from jobs.events.keys import keys_of, signature_of
from jobs.models import Event, EventKey, EventShape

#: Above every id: a shape from here on covers no event yet.
_NOTHING_YET = UUID(int=2**128 - 1)
_CHUNK = 500
#: Shapes that this process knows to be written down.
_noted: set[tuple[str, str]] = set()


def lock(names: Iterable[str]) -> None:
    """Hold these names until the end of the transaction. (On SQLite whoever writes has the whole database.)"""
    if not is_postgres():
        return
    with connection.cursor() as cursor:
        for name in sorted(set(names)):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"event:{name}"]
            )


def shapes_of(names: Iterable[str]) -> dict[str, list[list[str]]]:
    """Return the sets of paths by which anybody has ever looked for events of these names."""
    shapes: dict[str, list[list[str]]] = defaultdict(list)
    for name, paths in EventShape.objects.filter(name__in=names).values_list("name", "paths"):
        shapes[name].append(paths)
    return shapes


def note_shape(name: str, paths: Iterable[str]) -> None:
    """Give the events from now on a key of this shape; without any lock, so nothing is promised of earlier ones."""
    mark = (name, signature_of(paths))
    if mark in _noted:
        return
    shape = EventShape(name=name, paths=sorted(paths), signature=mark[1], covers_from=_NOTHING_YET)
    EventShape.objects.bulk_create([shape], ignore_conflicts=True)
    transaction.on_commit(lambda: _noted.add(mark))


def cover(name: str, paths: Iterable[str], *, since: UUID) -> None:
    """Give every event of a name after `since` a key of this shape. To be called under the name's lock."""
    shape, is_new = EventShape.objects.get_or_create(
        name=name,
        signature=signature_of(paths),
        defaults={"paths": sorted(paths), "covers_from": since},
    )
    if not is_new and shape.covers_from <= since:
        return
    uncovered = Event.objects.filter(name=name, id__gt=since)
    if not is_new:
        uncovered = uncovered.filter(id__lte=shape.covers_from)
    chunk: list[EventKey] = []
    for event in uncovered.order_by("id").iterator(_CHUNK):
        chunk += keys_for(event, [shape.paths])
        if len(chunk) >= _CHUNK:
            write(chunk)
            chunk = []
    write(chunk)
    EventShape.objects.filter(pk=shape.pk, covers_from__gt=since).update(covers_from=since)


def keys_for(event: Event, shapes: Iterable[Iterable[str]]) -> list[EventKey]:
    """Return the keys of an event, unwritten."""
    return [EventKey(event=event, key=key) for key in keys_of(event.name, event.data, shapes)]


def write(keys: Sequence[EventKey]) -> None:
    """Write keys that may stand there already."""
    EventKey.objects.bulk_create(keys, _CHUNK, ignore_conflicts=True)

"""Sending an event is inserting a row: it takes effect once the caller's transaction commits, or never happened."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q

from core import clock
from core.api.parsing import why_unstorable
from core.errors import Conflict, Refused
from jobs import wakeup
from jobs.events import schemas
from jobs.models import Event

#: The same id of the same name counts once in so long.
REMEMBERED_FOR = timedelta(hours=24)
MOST_BYTES = 512 * 1024
MOST_AT_ONCE = 5_000
LONGEST_ID = 200
NAME = re.compile(r"[\w./:@-]([\w./:@ -]{0,198}[\w./:@-])?")
_CHUNK = 500
_ROUNDS = 3

_Id = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a sender says. `id` makes it count once; `at` in the future delays the runs that it starts."""

    name: str
    data: dict[str, Any] | None = None
    id: str = ""
    at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def send_event(
    name: str,
    data: dict[str, Any] | None = None,
    *,
    id: str = "",
    at: datetime | None = None,
    actor: str = "system",
) -> Event:
    """Send an event in the caller's transaction.

    A second event of the same name and `id` within 24 hours is the first one, returned with `is_duplicate` set. Raises
    Refused, naming the field, for a name or data that may not be.
    """
    return _send([_row(NewEvent(name, data, id, at), actor=actor)])[0]


def send_events(given: Sequence[NewEvent], *, actor: str = "system") -> list[Event]:
    """Send several events, all of them or none; return them in the order in which they were given.

    A refusal names the place of its event, counted from zero, before the field.
    """
    if len(given) > MOST_AT_ONCE:
        raise Refused(
            f"{len(given):,} events are too many at once.",
            remedy=f"Send at most {MOST_AT_ONCE:,} in one request.",
        )
    return _send([_numbered(each, place, actor=actor) for place, each in enumerate(given)])


def _send(rows: list[Event]) -> list[Event]:
    with transaction.atomic():
        sent = _insert(rows)
        wakeup.notify("main")
    return sent


def _numbered(given: NewEvent, place: int, *, actor: str) -> Event:
    try:
        return _row(given, actor=actor)
    except Refused as refusal:
        refusal.message = f"Event {place + 1}: {refusal.message}"
        refusal.field = f"{place}.{refusal.field}"
        raise


def _row(given: NewEvent, *, actor: str) -> Event:
    check_name(given.name)
    if len(given.id) > LONGEST_ID or why_unstorable(given.id):
        raise Refused(
            f"The id has {len(given.id)} characters, or some that cannot be kept.",
            field="id",
            value=given.id,
            remedy=f"Use at most {LONGEST_ID} characters, such as a UUID.",
        )
    if given.at is not None and given.at.tzinfo is None:
        raise Refused("The moment has no time zone.", field="at", value=given.at.isoformat())
    now = clock.now()
    return Event(
        name=given.name,
        data=_kept(given.name, given.data or {}),
        extra=given.extra,
        dedup_key=given.id,
        occurred_at=given.at or now,
        received_at=now,
        actor=actor,
    )


def check_name(name: str) -> None:
    """Refuse what is no name of an event."""
    if not NAME.fullmatch(name):
        raise Refused(
            f"{name!r} is no name of an event.",
            field="name",
            value=name,
            remedy="Use 1 to 200 letters, digits and . _ - / : @, such as order.paid.",
        )


def _kept(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return data as it is read again; refuse what is no JSON object of bounded size, or misses its schema."""
    if not isinstance(data, dict):
        raise Refused("The data is not a JSON object.", field="data", value=data)
    try:
        text = json.dumps(data, cls=DjangoJSONEncoder, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise Refused(f"The data is not JSON: {error}.", field="data", code="not_json") from error
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        raise Refused(
            f"The data has {size:,} bytes.",
            field="data",
            remedy=f"At most {MOST_BYTES:,} fit: keep what is large elsewhere, and send where.",
            code="too_large",
        )
    kept: dict[str, Any] = json.loads(text)
    if reason := why_unstorable(kept):
        raise Refused(f"The data has {reason}.", field="data", code="not_storable")
    schemas.check(name, text)
    return kept


def _insert(rows: list[Event]) -> list[Event]:
    """Insert what has no id, and the first of each id; return for each row the event that counts."""
    Event.objects.bulk_create([row for row in rows if not row.dedup_key], _CHUNK)
    named: dict[_Id, Event] = {}
    for row in rows:
        if row.dedup_key:
            named.setdefault((row.name, row.dedup_key), row)
    counting = _insert_once(named) if named else {}
    return [_counted(row, counting.get((row.name, row.dedup_key), row)) for row in rows]


def _counted(row: Event, counting: Event) -> Event:
    if row.pk != counting.pk:
        counting.is_duplicate = True
        return counting
    return row


def _insert_once(named: dict[_Id, Event]) -> dict[_Id, Event]:
    """Insert events whose ids are not taken; return for each id the event that has it.

    An id that was taken more than 24 hours ago is free again: whoever takes it away from the old event inserts anew.
    """
    missing = dict(named)
    counting: dict[_Id, Event] = {}
    for _ in range(_ROUNDS):
        Event.objects.bulk_create(missing.values(), _CHUNK, ignore_conflicts=True)
        found = _with_ids(missing)
        forgotten = clock.now() - REMEMBERED_FOR
        young = {key: event for key, event in found.items() if event.received_at > forgotten}
        counting |= young
        old = [event.pk for key, event in found.items() if key not in young]
        Event.objects.filter(pk__in=old, received_at__lte=forgotten).update(dedup_key="")
        missing = {key: row for key, row in missing.items() if key not in young}
        if not missing:
            return counting
    raise Conflict("These events' ids are being taken by others right now.", field="id")


def _with_ids(wanted: dict[_Id, Event]) -> dict[_Id, Event]:
    ids: dict[str, list[str]] = {}
    for name, key in wanted:
        ids.setdefault(name, []).append(key)
    among = Q()
    for name, keys in ids.items():
        among |= Q(name=name, dedup_key__in=keys)
    found = Event.objects.filter(among).exclude(dedup_key="")
    return {(event.name, event.dedup_key): event for event in found}

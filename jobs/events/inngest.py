"""`POST /e/<key>`: the Inngest Event API, as its official SDKs and a plain curl speak it.

The key in the address is one of our API keys with the scope `events:send`. The body is an event or a list of events,
whatever its content type says: `name`, `data`, `id`, `ts` (milliseconds), `user` and `v`. Answers are `ids` and
`status`, or `error` and `status`; callers try again after a 5xx alone, under the same seed, which counts once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException

from core.api.parsing import load
from core.errors import NotAllowed, Refused
from core.keys import recognise
from core.models import ApiKey
from jobs.events.sending import MOST_AT_ONCE, NewEvent, send_events

SCOPE = "events:send"
MOST_BYTES = 10 * 1024 * 1024
#: A caller gives one per request, so that its own second try counts once: milliseconds and ten random bytes.
SEED_HEADER = "X-Inngest-Event-Id-Seed"
SEED = re.compile(r"\d{1,15},[A-Za-z0-9+/]{14}==")
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class _NoSuchKey(Refused):
    status = 401


class _TooLarge(Refused):
    status = 413


@csrf_exempt
def receive(request: HttpRequest, key: str) -> JsonResponse:
    """Take events from a caller of the Inngest Event API."""
    if request.method != "POST":
        return _error(405, "Events are sent by POST.")
    try:
        caller = _caller(key)
        events = [_event(each, place) for place, each in enumerate(_body(request))]
        seed = request.headers.get(SEED_HEADER, "")
        if SEED.fullmatch(seed):
            events = [_seeded(event, f"{seed}:{place}") for place, event in enumerate(events)]
        sent = send_events(events, actor=f"key:{caller.prefix}")
    except Refused as refusal:
        return _error(refusal.status if refusal.status in (401, 403, 413) else 400, str(refusal))
    except APIException as error:
        return _error(error.status_code, str(error.detail))
    return JsonResponse({"ids": [event.public_id for event in sent], "status": 200})


def _error(status: int, text: str) -> JsonResponse:
    return JsonResponse({"error": text, "status": status, "ids": []}, status=status)


def _caller(token: str) -> ApiKey:
    key = recognise(token)
    if key is None:
        raise _NoSuchKey("Event key not found.")
    if SCOPE not in key.scopes:
        raise NotAllowed(f"This key lacks the scope {SCOPE}.")
    return key


def _body(request: HttpRequest) -> list[Any]:
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise _TooLarge(f"The body is larger than {MOST_BYTES:,} bytes. Send less at a time.")
    data = load(body)
    events = data if isinstance(data, list) else [data]
    if not events or len(events) > MOST_AT_ONCE:
        raise Refused(f"The body has {len(events):,} events; 1 to {MOST_AT_ONCE:,} may be sent.")
    return events


def _event(given: Any, place: int) -> NewEvent:
    if not isinstance(given, dict):
        raise Refused(f"Event {place + 1} is not an object with a name and data.")
    name = given.get("name")
    if not isinstance(name, str):
        raise Refused(f"Event {place + 1} has no name.")
    extra = {member: given[member] for member in ("user", "v") if given.get(member)}
    event_id = given.get("id") or ""
    if not isinstance(event_id, str):
        raise Refused(f"The id of event {place + 1} is not a text.")
    moment = _moment(given.get("ts"), place)
    return NewEvent(name, given.get("data"), event_id, moment, extra)


def _moment(milliseconds: Any, place: int) -> datetime | None:
    if not milliseconds:
        return None
    if isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool):
        first, last = EARLIEST.timestamp(), LATEST.timestamp()
        if first <= milliseconds / 1000 <= last:
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
    raise Refused(
        f"The ts of event {place + 1} is {milliseconds!r}.",
        remedy="It is a number of milliseconds since 1970, between the years 1980 and 2100.",
    )


def _seeded(event: NewEvent, seed: str) -> NewEvent:
    return event if event.id else NewEvent(event.name, event.data, seed, event.at, event.extra)

"""Planning an event, changing it, cancelling it. What has been written follows in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from core import audit, clock
from core.errors import Conflict, Refused
from core.local_time import zone_named
from funnels.actions.enrolling import join_meeting
from funnels.actions.launching import stop_launch
from funnels.models import Event
from funnels.moves import move
from funnels.retiming import retime_streams, tell_streams
from funnels.states import EVENT_MOVES, EventStatus, LaunchStatus, RegistrationStatus
from funnels.zoom.joining import leave_meeting
from jobs.actions import start_run
from jobs.bulk import wake_runs

#: What staff write of an event.
PARTS = (
    "title",
    "starts_at",
    "ends_at",
    "time_zone",
    "zoom_meeting_id",
    "join_url",
    "recording_url",
    "next_url",
    "resources",
    "attendance_minutes",
)
#: What moves the moments of steps.
TIMES = frozenset({"starts_at", "ends_at", "time_zone"})


@transaction.atomic
def create_event(*, actor: str, **parts: Any) -> Event:
    """Plan an event; raise Refused where it ends before it starts, or is over already."""
    event = Event(**parts, created_by=actor)
    _check(event)
    _check_ahead(event)
    event.save(force_insert=True)
    event.run = start_run(
        "funnels.settle",
        input={"event": event.public_id},
        actor=actor,
        idempotency_key=event.public_id,
        due_at=event.starts_at,
    )
    event.save(update_fields=["run"])
    audit.record("event.planned", event, actor=actor, starts_at=event.starts_at.isoformat())
    return event


@transaction.atomic
def update_event(event: Event, *, actor: str, **changes: Any) -> Event:
    """Change a planned event; where it is moved, its reminders move with it, at once.

    Raises Conflict once it is completed or cancelled for its times, Refused where it cannot be as it is wanted.
    """
    event = Event.objects.select_for_update(no_key=True).get(pk=event.pk)
    changed = {name for name, value in changes.items() if getattr(event, name) != value}
    if not changed:
        return event
    for name in changed:
        setattr(event, name, changes[name])
    _check(event)
    if changed & TIMES:
        _check_may_move(event)
    event.save(update_fields=sorted(changed))
    tell_streams(event)
    if changed & TIMES:
        _move(event, actor=actor)
    if "zoom_meeting_id" in changed:
        _change_meeting(event, actor=actor)
    verb = "event.moved" if changed & TIMES else "event.changed"
    audit.record(verb, event, actor=actor, fields=sorted(changed))
    return event


@transaction.atomic
def cancel_event(event: Event, *, actor: str, reason: str = "") -> Event:
    """Cancel an event for good: nothing more goes out, what waits in the outbox included, and everybody's run ends."""
    move(event, moves=EVENT_MOVES, to=EventStatus.CANCELLED, wish="be cancelled")
    for launch in event.launches.exclude(status=LaunchStatus.ENDED):
        stop_launch(launch, reason="event cancelled", actor=actor)
    audit.record("event.cancelled", event, actor=actor, reason=reason.strip()[:200])
    return event


def follow(event: Event, *, actor: str) -> None:
    """Have everybody's run look again; one run does it for all, in chunks."""
    start_run("funnels.follow", input={"event": event.public_id}, actor=actor)


def wake_settling(event: Event) -> None:
    """Have the run that settles attendance take its moment anew; it may have to begin earlier than it was to."""
    wake_runs([event.run_id] if event.run_id else [], and_begin=True)


def _move(event: Event, *, actor: str) -> None:
    """What waits in the outbox moves now; everybody's plan is made anew soon after."""
    retime_streams(event)
    wake_settling(event)
    follow(event, actor=actor)


def _change_meeting(event: Event, *, actor: str) -> None:
    """Nobody keeps a link to a meeting that the event has no longer; everybody is registered with the one it has."""
    leave_meeting(event)
    people = event.registrations.filter(status=RegistrationStatus.REGISTERED)
    join_meeting(event, people.values_list("pk", flat=True), actor=actor)


def _check(event: Event) -> None:
    zone_named(event.time_zone)
    if event.ends_at <= event.starts_at:
        raise Refused(
            f"It would end on {_spelt(event.ends_at)}, before it starts on {_spelt(event.starts_at)}.",
            field="ends_at",
            value=event.ends_at.isoformat(),
            remedy="Let it end after its start.",
            code="ends_before_start",
        )
    _check_resources(event.resources)
    try:
        event.clean_fields(exclude=["run", "created_by"])
    except ValidationError as error:
        raise _refusal(error.message_dict) from None


def _check_resources(resources: Any) -> None:
    fits = isinstance(resources, list) and all(
        isinstance(each, Mapping) and isinstance(each.get("url"), str) for each in resources
    )
    if not fits:
        raise Refused(
            "The resources are no list of links.",
            field="resources",
            value=resources,
            remedy='Write them as [{"title": "Slides", "url": "https://…"}].',
        )


def _check_ahead(event: Event) -> None:
    if event.ends_at <= clock.now():
        raise Refused(
            f"It would have ended on {_spelt(event.ends_at)}.",
            field="ends_at",
            value=event.ends_at.isoformat(),
            remedy="Choose a time in the future.",
            code="event_is_over",
        )


def _check_may_move(event: Event) -> None:
    if event.status != EventStatus.PLANNED:
        raise Conflict(
            f"“{event}” cannot be moved: it is {event.get_status_display().lower()}.",
            field="starts_at",
            value=event.starts_at.isoformat(),
            remedy="Plan another event.",
        )
    _check_ahead(event)


def _refusal(problems: Mapping[str, list[str]]) -> Refused:
    field, words = next(iter(problems.items()))
    return Refused(f"{field}: {' '.join(words)}", field=field, remedy="Correct it.")


def _spelt(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"

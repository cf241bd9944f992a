"""Launching a funnel for an event, holding it, letting it go on, ending it."""

from __future__ import annotations

from django.db import transaction

from core import audit, clock
from core.errors import Conflict, Refused
from funnels.actions.enrolling import enroll_registered
from funnels.models import Event, Funnel, FunnelVersion, Launch
from funnels.moves import move
from funnels.planning import due_at
from funnels.states import LAUNCH_MOVES, Anchor, EventStatus, LaunchStatus
from funnels.streams import streams_of
from jobs.actions import start_run
from messaging.providers.registry import check_ready
from messaging.streams import close_stream, pause_stream, resume_stream


@transaction.atomic
def launch_funnel(funnel: Funnel, event: Event, *, actor: str) -> Launch:
    """Enroll everybody who is registered for an event, and whoever will be, in a funnel's published version.

    Raises Refused where it could not do what it says (see `check_launch`), Conflict where it was launched before.
    """
    _lock(event)
    event.refresh_from_db()
    version = check_launch(funnel, event)
    launch, is_new = Launch.objects.get_or_create(
        event=event, funnel=funnel, defaults={"launched_by": actor}
    )
    if not is_new:
        raise Conflict(
            f"“{funnel}” was launched for “{event}” before.",
            field="funnel",
            value=funnel.public_id,
            remedy="Look at that launch.",
        )
    streams_of(launch, version)
    count = enroll_registered(launch, actor=actor)
    audit.record("funnel.launched", launch, actor=actor, version=version.number, enrolled=count)
    return launch


def check_launch(funnel: Funnel, event: Event) -> FunnelVersion:
    """Return the version that would be launched; raise Refused where it, or the event, does not allow it."""
    version = funnel.published
    if version is None:
        raise Refused(
            f"“{funnel}” has no published version.",
            field="funnel",
            value=funnel.public_id,
            remedy="Write its steps and publish them.",
        )
    _check_event(event)
    _check_senders(version)
    _check_moments(version, event)
    return version


def _check_event(event: Event) -> None:
    if event.status != EventStatus.PLANNED:
        raise Conflict(
            f"“{event}” is {event.get_status_display().lower()}.",
            field="event",
            value=event.public_id,
            remedy="Choose an event to come.",
        )
    if event.is_over:
        raise Refused(
            f"“{event}” ended on {event.end:%Y-%m-%d %H:%M %Z}.",
            field="event",
            value=event.public_id,
            remedy="Choose an event to come.",
            code="event_is_over",
        )


def _check_senders(version: FunnelVersion) -> None:
    for sender in {version.email_sender, version.sms_sender} - {None}:
        assert sender is not None
        check_ready(sender)


def _check_moments(version: FunnelVersion, event: Event) -> None:
    """Refuse what nobody could get: a step counted from the enrolment that falls behind the event for everybody."""
    now = clock.now()
    for step in version.steps.filter(anchor=Anchor.ENROLLED):
        due = due_at(step.facts, event.facts, enrolled_at=now)
        if due >= event.end:
            raise Refused(
                f"“{step.name}” would come on {due.astimezone(event.zone):%Y-%m-%d %H:%M}, after the event has ended.",
                field="steps",
                value=step.offset.in_words,
                remedy="Count it from the event's end, or choose a later event.",
                code="after_event",
            )


@transaction.atomic
def pause_launch(launch: Launch, *, actor: str, reason: str = "") -> Launch:
    """Hold everything that was not handed over yet; people may still enroll."""
    _lock(launch.event)
    move(
        launch,
        moves={LaunchStatus.LIVE: LAUNCH_MOVES[LaunchStatus.LIVE]},
        to=LaunchStatus.PAUSED,
        wish="be paused",
        paused_reason=reason.strip()[:500],
    )
    for each in launch.step_streams.select_related("stream"):
        pause_stream(each.stream)
    audit.record("launch.paused", launch, actor=actor)
    return launch


@transaction.atomic
def resume_launch(launch: Launch, *, actor: str) -> Launch:
    """Go on: what is of use still goes out, what is too late by now is skipped."""
    _lock(launch.event)
    move(
        launch,
        moves={LaunchStatus.PAUSED: LAUNCH_MOVES[LaunchStatus.PAUSED]},
        to=LaunchStatus.LIVE,
        wish="be resumed",
        paused_reason="",
    )
    for each in launch.step_streams.select_related("stream__sender"):
        resume_stream(each.stream)
    audit.record("launch.resumed", launch, actor=actor)
    return launch


@transaction.atomic
def end_launch(launch: Launch, *, actor: str) -> Launch:
    """End a funnel for this event for good: nothing more goes out, and everybody's run ends."""
    _lock(launch.event)
    stop_launch(launch, reason="funnel ended", actor=actor)
    audit.record("launch.ended", launch, actor=actor)
    return launch


def _lock(event: Event) -> None:
    """Let nobody enroll meanwhile: whoever does shares the event, and finds its funnels as they are afterwards."""
    Event.objects.select_for_update(no_key=True).only("pk").get(pk=event.pk)


def stop_launch(launch: Launch, *, reason: str, actor: str) -> None:
    """Close the streams now, so that nothing goes out; the runs end in chunks, by one run for all."""
    move(launch, moves=LAUNCH_MOVES, to=LaunchStatus.ENDED, wish="be ended", ended_at=clock.now())
    for each in launch.step_streams.select_related("stream"):
        close_stream(each.stream)
    start_run("funnels.end", input={"launch": launch.public_id, "reason": reason}, actor=actor)

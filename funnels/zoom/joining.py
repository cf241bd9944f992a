"""Registering a person with the event's meeting: a call to the outside, and its answer kept with the registration."""

from __future__ import annotations

from django.db import transaction

from core.errors import PermanentFailure
from core.sql import share
from funnels.models import Event, Registration
from funnels.states import EventStatus
from funnels.streams import of_event
from funnels.zoom import client
from funnels.zoom.client import ZoomAway
from jobs.context import RunContext
from jobs.retrying import Retry
from messaging.models import Message
from messaging.planned import tell_one

STEP = "register with Zoom"
#: Nobody waits longer for their welcome than these together; without a link of their own people get the event's.
RETRY = Retry((5, 60, 300))


def join_meeting(run: RunContext, registration: Registration) -> None:
    """Register a person with the meeting; where Zoom does not, say so on the registration and go on."""
    try:
        found = run.step(STEP, register, registration, retry=RETRY)
    except (ZoomAway, PermanentFailure) as failure:
        run.transaction("note Zoom's trouble", note_problem, registration, str(failure))
        return
    if found:
        run.transaction("keep the link", keep, registration, found)


def register(registration: Registration) -> dict[str, str]:
    """Ask Zoom for a person's registrant id and link; {} where there is nothing to ask for any more."""
    fresh = Registration.objects.select_related("event", "contact").get(pk=registration.pk)
    event, contact = fresh.event, fresh.contact
    is_to_come = event.status == EventStatus.PLANNED and not event.is_over and fresh.is_registered
    if fresh.zoom_registrant_id or not (is_to_come and event.zoom_meeting_id and contact.email):
        return {}
    registrant, join_url = client.add_registrant(
        event.zoom_meeting_id,
        email=contact.email,
        first_name=contact.first_name,
        last_name=contact.last_name,
    )
    return {"registrant": registrant, "join_url": join_url, "meeting": event.zoom_meeting_id}


@transaction.atomic
def keep(registration: Registration, found: dict[str, str]) -> None:
    """Keep a registrant's id and link; what was not handed over yet is written with them.

    Of a meeting that the event has no longer nothing is kept.
    """
    share(Event, [registration.event_id])
    here = Registration.objects.filter(pk=registration.pk)
    if meeting := found.get("meeting"):  # runs that asked before it was kept have none
        here = here.filter(event__zoom_meeting_id=meeting)
    kept = here.update(
        zoom_registrant_id=found["registrant"], join_url=found["join_url"], zoom_problem=""
    )
    registration.refresh_from_db()
    if kept:
        tell_one(registration.messages(), registration.own_data)


def leave_meeting(event: Event) -> None:
    """Forget everybody's registrant id and link, once the event has another meeting; letters tell the event's own."""
    event.registrations.exclude(zoom_registrant_id="", zoom_problem="").update(
        zoom_registrant_id="", join_url="", zoom_problem=""
    )
    for each in of_event(event):
        tell_one(Message.objects.filter(stream=each.stream_id), None)


def note_problem(registration: Registration, why: str) -> None:
    """Say on a registration why it has no link of its own."""
    Registration.objects.filter(pk=registration.pk).update(zoom_problem=why[:300])

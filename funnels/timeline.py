"""One person's way through a funnel, line by line: what was sent, what will be, what not, and why. Real or imagined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from core import clock
from funnels.accompanying import Place, standing_of
from funnels.models import Enrollment, Event, FunnelVersion
from funnels.planning import Entry, PersonFacts, Verdict, plan
from funnels.states import Attendance, Why
from messaging.audience import SENDABLE, eligibility
from messaging.channels import Channel
from messaging.models import Contact, Message
from messaging.states import MessageStatus, Reason

TONES = {
    MessageStatus.SENT: "good",
    MessageStatus.FAILED: "bad",
    MessageStatus.IN_DOUBT: "warn",
    MessageStatus.PENDING: "calm",
    MessageStatus.SENDING: "calm",
}


@dataclass(frozen=True)
class Line:
    """One step on one channel: its moment in the event's zone, and what becomes of it."""

    step: str
    channel: str
    at: datetime
    word: str
    tone: str
    url: str = ""


def timeline_of(enrollment: Enrollment) -> list[Line]:
    """Return everything a person got and will get, as things stand."""
    zone = enrollment.registration.event.zone
    places = standing_of(enrollment).places
    lines = [_line(place, is_active=enrollment.status == "active") for place in places]
    return [replace(line, at=line.at.astimezone(zone)) for line in sorted(lines, key=_moment)]


def imagine(
    event: Event,
    version: FunnelVersion,
    contact: Contact,
    *,
    enrolled_at: datetime | None = None,
    attendance: str = Attendance.UNKNOWN,
    at: datetime | None = None,
) -> list[Line]:
    """Return what a person would get, and when, who enrolled at a moment; nothing is written.

    With an attendance it is imagined to be known when it will be. Consent is asked as it stands now.
    """
    now = at or clock.now()
    facts = event.facts
    if attendance != Attendance.UNKNOWN:
        facts = replace(facts, settled_at=facts.settled_at or facts.settles_at)
    person = PersonFacts(enrolled_at=enrolled_at or now, attendance=attendance)
    steps = {step.pk: step for step in version.steps.all()}
    entries = plan(facts, person, [step.facts for step in steps.values()], now=now)
    return [
        replace(
            _imagined(entry, steps[entry.step.key].name, contact, channel),
            at=entry.at.astimezone(event.zone),
        )
        for entry in entries
        for channel in steps[entry.step.key].templates
    ]


def _moment(line: Line) -> datetime:
    return line.at


def _line(place: Place, *, is_active: bool) -> Line:
    entry, message = place.entry, place.messages[-1] if place.messages else None
    step, channel = place.step_stream.step.name, Channel(place.step_stream.channel).label
    if message is None or (place.message is None and entry.verdict == Verdict.GOES and is_active):
        return Line(step, channel, entry.at, *_planned(entry, is_active=is_active))
    url = reverse("admin:messaging_message_change", args=[message.pk])
    at = message.settled_at or message.not_before or entry.at
    return Line(
        step, channel, at, _fate(message), TONES.get(MessageStatus(message.status), "quiet"), url
    )


def _fate(message: Message) -> str:
    label = message.get_status_display()
    if message.reason and message.reason in Reason.values:
        reason = Reason(message.reason).label
        return (
            "Waits for its moment"
            if message.reason == Reason.SCHEDULED
            else f"{label}: {reason.lower()}"
        )
    return str(label)


def _planned(entry: Entry, *, is_active: bool) -> tuple[str, str]:
    """Return what is said of a step without a message, and its tone."""
    if entry.verdict == Verdict.SKIPPED:
        return f"Not sent: {Why(entry.why).label.lower()}", "quiet"
    if not is_active:
        return "Not sent: it has ended", "quiet"
    if entry.verdict == Verdict.WAITS:
        return "Once it is known who came", "warn"
    return "Will be written", "calm"


def _imagined(entry: Entry, step: str, contact: Contact, channel: Channel) -> Line:
    word, tone = _planned(entry, is_active=True)
    if entry.verdict == Verdict.GOES:
        why = why_not_written_to(contact, channel)
        word, tone = (
            (f"Not sent: {Reason(why).label.lower()}", "quiet") if why else ("Sent", "good")
        )
    return Line(step, channel.label, entry.at, word, tone)


def why_not_written_to(contact: Contact, channel: Channel) -> str:
    """Return why a person would get nothing on a channel now, or nothing."""
    why = eligibility(channel, among=[contact.pk])
    found = Contact.objects.annotate(why=why).values_list("why", flat=True).get(pk=contact.pk)
    return "" if found == SENDABLE else str(found)


def versions_of(event: Event) -> Iterable[FunnelVersion]:
    """Return the versions into which somebody who enrolled now would go."""
    for launch in event.launches.select_related("funnel").order_by("launched_at"):
        if version := launch.funnel.published:
            yield version

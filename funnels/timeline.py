"""One person's way through a funnel, line by line: what was sent, what will be, what not, and why. Real or imagined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from core import clock
from funnels.accompanying import Place, standing_of
from funnels.models import Enrollment, Event, FunnelVersion, Step
from funnels.planning import Entry, PersonFacts, Verdict, plan
from funnels.states import Attendance, EnrollmentStatus, LaunchStatus, Why
from messaging.audience import SENDABLE, eligibility
from messaging.channels import Channel
from messaging.models import Contact, Message
from messaging.restraint import foreseen
from messaging.states import MessageStatus, Reason

WAITS = "Waits for its moment"
TEMPLATES = ("email_template", "sms_template")
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
    standing = standing_of(enrollment)
    foresee = Foresight(enrollment.version, enrollment.registration.contact)
    is_active = enrollment.status == EnrollmentStatus.ACTIVE
    lines = [_line(place, foresee, is_active=is_active) for place in standing.places]
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

    With an attendance it is imagined to be known when it will be. Consent and quiet hours are asked as they stand now.
    """
    now = at or clock.now()
    facts = event.facts
    if attendance != Attendance.UNKNOWN:
        facts = replace(facts, settled_at=facts.settled_at or facts.settles_at)
    person = PersonFacts(enrolled_at=enrolled_at or now, attendance=attendance)
    steps = {step.pk: step for step in version.steps.select_related(*TEMPLATES)}
    foresee = Foresight(version, contact)
    lines = [
        _imagined(entry, steps[entry.step.key], channel, foresee, now=now)
        for entry in plan(facts, person, [step.facts for step in steps.values()], now=now)
        for channel in steps[entry.step.key].templates
    ]
    return [replace(line, at=line.at.astimezone(event.zone)) for line in sorted(lines, key=_moment)]


def _moment(line: Line) -> datetime:
    return line.at


@dataclass(frozen=True)
class Fate:
    """When something will go out, and why it will not, as things stand."""

    at: datetime
    why: str = ""


class Foresight:
    """What the cut will say of a person's messages: consent as it stands now, and the nights where they live."""

    def __init__(self, version: FunnelVersion, contact: Contact) -> None:
        self.contact = contact
        self._version = version
        self._why_not = {channel: why_not_written_to(contact, channel) for channel in Channel}

    def __call__(
        self, step: Step, channel: Channel, *, at: datetime, expires_at: datetime | None
    ) -> Fate:
        if why := self._why_not[channel]:
            return Fate(at, Reason(why).label.lower())
        sender = self._version.sender_of(channel)
        if sender is None:
            return Fate(at)
        found = foreseen(
            sender, self.contact, at=at, policy=step.quiet_hours, expires_at=expires_at
        )
        if found.until:
            return Fate(found.until)
        return Fate(at, "" if found.goes else Reason(found.reason).label.lower())


def _line(place: Place, foresee: Foresight, *, is_active: bool) -> Line:
    entry, message = place.entry, place.messages[-1] if place.messages else None
    step, channel = place.step_stream.step, Channel(place.step_stream.channel)
    if message is None or (place.message is None and entry.verdict == Verdict.GOES and is_active):
        word, tone = _planned(entry, is_active=is_active)
        return Line(step.name, channel.label, entry.at, word, tone)
    url = reverse("admin:messaging_message_change", args=[message.pk])
    if message.status == MessageStatus.PENDING and message.reason == Reason.SCHEDULED:
        at = message.not_before or entry.at
        fate = foresee(step, channel, at=at, expires_at=message.expires_at)
        word = f"{WAITS}; not sent as things stand: {fate.why}" if fate.why else WAITS
        return Line(step.name, channel.label, fate.at, word, "warn" if fate.why else "calm", url)
    at = message.settled_at or message.not_before or entry.at
    tone = TONES.get(MessageStatus(message.status), "quiet")
    return Line(step.name, channel.label, at, _told(message), tone, url)


def _told(message: Message) -> str:
    label = str(message.get_status_display())
    if message.reason in Reason.values:
        return f"{label}: {Reason(message.reason).label.lower()}"
    return label


def _planned(entry: Entry, *, is_active: bool) -> tuple[str, str]:
    """Return what is said of a step without a message, and its tone."""
    if entry.verdict == Verdict.SKIPPED:
        return f"Not sent: {Why(entry.why).label.lower()}", "quiet"
    if not is_active:
        return "Not sent: it has ended", "quiet"
    if entry.verdict == Verdict.WAITS:
        return "Once it is known who came", "warn"
    return "Will be written", "calm"


def _imagined(
    entry: Entry, step: Step, channel: Channel, foresee: Foresight, *, now: datetime
) -> Line:
    if entry.verdict != Verdict.GOES:
        return Line(step.name, channel.label, entry.at, *_planned(entry, is_active=True))
    fate = foresee(step, channel, at=max(entry.at, now), expires_at=entry.expires_at)
    word, tone = (f"Not sent: {fate.why}", "quiet") if fate.why else ("Sent", "good")
    return Line(step.name, channel.label, fate.at, word, tone)


def why_not_written_to(contact: Contact, channel: Channel) -> str:
    """Return why a person would get nothing on a channel now, or nothing."""
    why = eligibility(channel, among=[contact.pk])
    found = Contact.objects.annotate(why=why).values_list("why", flat=True).get(pk=contact.pk)
    return "" if found == SENDABLE else str(found)


def versions_of(event: Event) -> Iterable[FunnelVersion]:
    """Return the versions into which somebody who enrolled now would go."""
    alive = event.launches.exclude(status=LaunchStatus.ENDED)
    for launch in alive.select_related("funnel").order_by("launched_at"):
        if version := launch.funnel.published:
            yield version

"""An imaginary event, from its planning to its last message, played in the sandbox under a clock that is moved.

It is played in a database of its own: nobody else's runs are driven, nobody's messages sent, and nothing stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock
from funnels.actions import create_event, enroll, launch_funnel, set_attendance
from funnels.models import Enrollment, Event, Funnel, Registration
from funnels.standard import AFTER, BEFORE, install_funnels
from funnels.states import Attendance
from funnels.timeline import Line, timeline_of
from jobs.models import Run
from jobs.testing import run_until
from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact, Sender

ACTOR = "system"
LEAD, LASTS, AFTERWARDS = timedelta(days=3), timedelta(hours=1), timedelta(days=8)
#: What is played: which funnel, and whether the person comes.
STORIES = {
    "pre-event": (BEFORE, None),
    "post-event-attended": (AFTER, Attendance.ATTENDED),
    "post-event-no-show": (AFTER, Attendance.NO_SHOW),
}


@dataclass(frozen=True)
class Rehearsal:
    """What one person got: every line of their timeline, and what failed, which should be nothing."""

    story: str
    lines: list[Line]
    failures: list[str]

    @property
    def is_good(self) -> bool:
        return not self.failures and any(line.word == "Sent" for line in self.lines)


def rehearse(story: str, *, starts_at: datetime, time_zone: str) -> Rehearsal:
    """Play one story with a standard funnel and a person of its own; to be called in a database of its own."""
    name, attendance = STORIES[story]
    with clock.travel(to=starts_at - LEAD):
        event, person = _stage(name, story, starts_at=starts_at, time_zone=time_zone)
        enroll(event, [person.pk], actor=ACTOR)
        run_until(event.ends_at)
        if attendance is not None:
            with clock.travel(to=event.ends_at):
                registration = Registration.objects.get(event=event)
                set_attendance(registration, attendance, actor=ACTOR)
        run_until(event.ends_at + AFTERWARDS)
    with clock.travel(to=starts_at + AFTERWARDS):
        enrollment = Enrollment.objects.select_related(
            "registration__event", "registration__contact"
        ).get(registration__event=event)
        lines = timeline_of(enrollment)
    failed = Run.objects.filter(status=Run.Status.FAILED).values_list("failure", flat=True)
    return Rehearsal(story, lines, list(failed))


def _stage(name: str, story: str, *, starts_at: datetime, time_zone: str) -> tuple[Event, Contact]:
    """Make senders, the standard funnels, an event with one of them, and somebody who agreed to everything."""
    email, _ = Sender.objects.get_or_create(name="Mail", from_email="rehearsal@example.com")
    texts, _ = Sender.objects.get_or_create(
        name="SMS", channel=Channel.SMS, from_number="+15005550006"
    )
    install_funnels(actor=ACTOR, email_sender=email, sms_sender=texts)
    event = create_event(
        title=f"Rehearsal: {story}",
        starts_at=starts_at,
        ends_at=starts_at + LASTS,
        time_zone=time_zone,
        actor=ACTOR,
    )
    launch_funnel(Funnel.objects.get(name=name), event, actor=ACTOR)
    number = list(STORIES).index(story)
    person = create_contact(email=f"{story}@example.com", phone=f"+2782555999{number}", actor=ACTOR)
    for channel in Channel:
        give_consent(person, channel, source="rehearsal", actor=ACTOR)
    return event, person

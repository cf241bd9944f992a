"""Files become registrations and attendance: a row per person, known by e-mail address or telephone number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core.errors import Refused
from funnels import actions
from funnels.actions.enrolling import check_open, contact_of
from funnels.models import Event, Registration
from funnels.states import Attendance
from imports.contacts import parse_email, parse_phone
from imports.states import Mode
from imports.targets import BulkTarget, Change, Field, Job, Option, Standing
from messaging.actions.consent import give_consent
from messaging.channels import Channel
from messaging.models import Contact

EVENT = Option(name="event", label="Event", help="Its id, occ_….")
EMAIL = Field(
    name="email",
    label="e-mail address",
    synonyms="e_mail mail email_address e_mail_address",
    parse=parse_email,
)
PHONE = Field(
    name="phone",
    label="telephone number",
    synonyms="phone_number telephone mobile mobile_number cell",
    parse=parse_phone,
)
CAME = frozenset({"attended", "yes", "y", "true", "1", "came", "present", "ja", "x"})
MISSED = frozenset({"no_show", "no-show", "no show", "no", "n", "false", "0", "absent", "missed"})


def parse_attendance(text: str, options: Mapping[str, Any]) -> str:
    """Return whether somebody came, as a word of ours."""
    word = text.strip().lower()
    if word in CAME:
        return Attendance.ATTENDED.value
    if word in MISSED:
        return Attendance.NO_SHOW.value
    raise Refused(
        f"{text!r} does not say whether somebody came.",
        field="attendance",
        value=text,
        remedy="Write attended or no_show, or yes or no.",
    )


class OfEvent(BulkTarget):
    """What both have in common: an event, and its people by address."""

    match_keys = ("email", "phone")
    can_undo = False

    def clean_options(self, options: Mapping[str, Any], *, actor: str) -> dict[str, Any]:
        """Return the options; raise Refused for an event that there is not."""
        cleaned = super().clean_options(options, actor=actor)
        if not cleaned["event"]:
            raise Refused("Name an event.", field="event", value="", remedy="Its id is occ_….")
        self.check(Event.from_public_id(cleaned["event"]))
        return cleaned

    def check(self, event: Event) -> None:
        """Raise Refused where the event cannot take this."""

    def find(
        self, keys: Collection[str], *, match: str, options: Mapping[str, Any], lock: bool
    ) -> dict[str, Standing]:
        rows = Registration.objects.filter(
            event=Event.from_public_id(options["event"]), **{f"contact__{match}__in": list(keys)}
        ).select_related("contact")
        return {getattr(row.contact, match): self.standing(row) for row in rows}

    def standing(self, registration: Registration) -> Standing:
        raise NotImplementedError


class Attendances(OfEvent):
    """Who came: a person's word, which stands against what Zoom says."""

    name = "attendance"
    title = "Attendance"
    help = "Says who came to an event. Who is not registered for it is an error."
    permission = "funnels.change_registration"
    modes = (Mode.UPDATE,)
    fields = (
        EMAIL,
        PHONE,
        Field(
            name="attendance",
            label="attendance",
            synonyms="attended came present status",
            parse=parse_attendance,
        ),
    )
    options = (EVENT,)

    def standing(self, registration: Registration) -> Standing:
        contact = registration.contact
        values = {
            "email": contact.email,
            "phone": contact.phone,
            "attendance": registration.attendance,
        }
        return Standing(registration.public_id, values, registration.pk)

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        for change in changes:
            if word := change.values.pop("attendance", ""):
                registration = Registration.objects.get(pk=change.pk)
                actions.set_attendance(registration, Attendance(word), actor=job.actor)
                change.values = {"attendance": word}


class EventRegistrations(OfEvent):
    """Who wants to come. Nobody becomes a contact twice, and nobody agrees to anything by being in a file alone."""

    name = "event_registrations"
    title = "Event registrations"
    help = "Enrolls everybody in an event and its funnels; whoever is unknown becomes a contact."
    permission = "funnels.enroll_event"
    modes = (Mode.SKIP,)
    fields = (
        EMAIL,
        PHONE,
        Field(
            name="first_name",
            label="first name",
            synonyms="given_name",
            parse=lambda t, o: t.strip(),
        ),
        Field(
            name="last_name",
            label="last name",
            synonyms="surname family_name",
            parse=lambda t, o: t.strip(),
        ),
    )
    options = (
        EVENT,
        Option(
            name="consent_source",
            label="They agreed to be written to",
            help="Where they did, such as 'sign-up sheet'. Empty: nothing is said about consent.",
        ),
    )

    def check(self, event: Event) -> None:
        check_open(event)

    def standing(self, registration: Registration) -> Standing:
        contact = registration.contact
        values = {"email": contact.email, "phone": contact.phone}
        return Standing(registration.public_id, values, registration.pk)

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        event = Event.from_public_id(job.options["event"])
        people = {change.record.key: self._contact(change, job=job) for change in changes}
        actions.enroll(event, [person.pk for person in people.values()], actor=job.actor)
        rows = Registration.objects.filter(event=event, contact__in=people.values())
        by_contact = {row.contact_id: row for row in rows}
        for change in changes:
            registration = by_contact[people[change.record.key].pk]
            change.id, change.pk = registration.public_id, registration.pk

    def _contact(self, change: Change, *, job: Job) -> Contact:
        given = {name: value for name, value in change.values.items() if value}
        contact = contact_of(given, actor=job.actor)
        if source := job.options.get("consent_source"):
            for channel in Channel:
                if contact.address(channel):
                    give_consent(contact, channel, source=source, actor=job.actor)
        return contact

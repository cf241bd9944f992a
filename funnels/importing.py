"""Files become registrations and attendance: a row per person, known by e-mail address or telephone number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import Refused
from core.ids import decode
from core.sql import share
from funnels import actions
from funnels.actions.attending import Said
from funnels.actions.enrolling import check_open, contact_of
from funnels.models import Event, Registration
from funnels.offering import attended_events, open_events
from funnels.states import Attendance, AttendanceSource
from imports.contacts import note_withdrawn, parse_email, parse_phone
from imports.states import Mode
from imports.targets import BulkTarget, Change, Field, Job, Option, Standing, Undone, Values
from messaging.actions.bulk_consent import give_consent_to_many, take_back_consent
from messaging.actions.consent import Evidence
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
        """Return registrations; lock order: event (shared) → registrations, as for whoever writes to them."""
        event = Event.from_public_id(options["event"])
        wanted = (
            {"pk__in": list(map(_pk, keys))}
            if match == "id"
            else {f"contact__{match}__in": list(keys)}
        )
        rows = event.registrations.filter(**wanted).select_related("contact").order_by("pk")
        if lock:
            share(Event, [event.pk])
            rows = rows.select_for_update(of=("self",), no_key=True)
        return {
            row.public_id if match == "id" else getattr(row.contact, match): self.standing(row)
            for row in rows
        }

    def standing(self, registration: Registration) -> Standing:
        return Standing(registration.public_id, self.values(registration), registration.pk)

    def values(self, registration: Registration) -> Values:
        """Return what an import of this kind changes; where it is the same later, nobody has touched it since."""
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
    options = (replace(EVENT, offers=attended_events),)

    def values(self, registration: Registration) -> Values:
        said = Said.of(registration)
        return {
            "attendance": said.attendance.value,
            "source": said.source.value,
            "at": said.at and said.at.isoformat(),
            "note": said.note,
        }

    def settle(self, changes: Sequence[Change], *, job: Job) -> None:
        """Leave addresses as they are: they say who is meant, no more."""
        for change in changes:
            word = change.values.get("attendance")
            change.values = {"attendance": word} if word else {}

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        for change in changes:
            if change.values:
                word = Attendance(change.values["attendance"])
                registration = Registration.objects.get(pk=change.pk)
                said = actions.set_attendance(registration, word, actor=job.actor)
                change.values = self.values(said)

    def revert(self, rows: Sequence[Undone], *, job: Job) -> set[int]:
        """Put back what was said before; what an erased person's row held before is forgotten, and stays as it is."""
        said = {_pk(row.id): _said(row.before) for row in rows if row.before}
        if said:
            event = Event.from_public_id(job.options["event"])
            actions.restore_attendance(event, said, actor=job.actor)
        return {row.number for row in rows if not row.before}


class EventRegistrations(OfEvent):
    """Who wants to come. Nobody becomes a contact twice, and nobody agrees to anything by being in a file alone."""

    name = "event_registrations"
    title = "Event registrations"
    help = "Enrolls everybody in an event and its funnels; whoever is unknown becomes a contact."
    permission = "funnels.enroll_event"
    unmade = "are withdrawn, and what was not sent to them is taken back; they stay contacts"
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
        replace(EVENT, offers=open_events),
        Option(
            name="consent_source",
            label="They agreed to be written to",
            help="Where they did, such as 'sign-up sheet'. Empty: nothing is said about consent.",
        ),
    )

    def check(self, event: Event) -> None:
        check_open(event)

    def values(self, registration: Registration) -> Values:
        """Return how somebody is registered; being missed says nothing new, unless a person says so."""
        said = Said.of(registration)
        is_news = said.attendance == Attendance.ATTENDED or said.source == AttendanceSource.PERSON
        return {
            "status": registration.status,
            "registered_at": registration.registered_at.isoformat(),
            "attendance": said.attendance.value if is_news else "",
        }

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        """Enroll everybody. Who turns out to be registered, known by another address, stays or comes back."""
        event = Event.from_public_id(job.options["event"])
        people = [self._contact(change, job=job) for change in changes]
        stood = _registered(event, people)
        actions.enroll(event, [person.pk for person in people], actor=job.actor)
        stands = _registered(event, people)
        for change, person in zip(changes, people, strict=True):
            before, now = stood.get(person.pk), stands[person.pk]
            change.id, change.pk = now.public_id, now.pk
            change.standing = self.standing(before) if before else None
            change.values = _difference(self.values(now), change.standing)
            stood[person.pk] = now  # another row about them changes nothing more
        if job.options.get("consent_source"):
            _give_consent(changes, people, job=job)

    def _contact(self, change: Change, *, job: Job) -> Contact:
        given = {name: value for name, value in change.values.items() if value}
        return contact_of(given, actor=job.actor)

    def revert(self, rows: Sequence[Undone], *, job: Job) -> set[int]:
        """Withdraw whom the import registered, and take back the consent that it recorded; contacts stay."""
        by_pk = {_pk(row.id): row for row in rows}
        if registered := [pk for pk, row in by_pk.items() if row.effect]:
            event = Event.from_public_id(job.options["event"])
            actions.withdraw_many(event, registered, actor=job.actor)
        undone = Evidence(source=f"import {job.public_id} undone", actor=job.actor)
        people = dict(Registration.objects.filter(pk__in=by_pk).values_list("pk", "contact"))
        for channel in Channel:
            given = [people[pk] for pk, row in by_pk.items() if channel.value in row.added]
            if given:
                take_back_consent(given, channel, evidence=undone)
        return set()


def _pk(public_id: str) -> UUID:
    return UUID(int=decode(Registration.id_prefix, public_id))


def _said(values: Values) -> Said:
    at = values["at"]
    return Said(
        Attendance(values["attendance"]),
        AttendanceSource(values["source"]),
        datetime.fromisoformat(at) if at else None,
        values["note"],
    )


def _registered(event: Event, people: Collection[Contact]) -> dict[UUID, Registration]:
    rows = event.registrations.filter(contact__in=[person.pk for person in people])
    return {row.contact_id: row for row in rows}


def _difference(values: Values, standing: Standing | None) -> Values:
    stands = standing.values if standing else {}
    return {name: value for name, value in values.items() if value != stands.get(name)}


def _give_consent(changes: Sequence[Change], people: Sequence[Contact], *, job: Job) -> None:
    """Record what they agreed to; note of each what was new. Who has withdrawn it keeps it so."""
    # The first row about somebody is the one that brought them.
    by_pk = {person.pk: change for person, change in zip(people[::-1], changes[::-1], strict=True)}
    contacts = {person.pk: person for person in people}.values()
    evidence = Evidence(source=job.options["consent_source"], actor=job.actor)
    for channel in Channel:
        reachable = [each for each in contacts if each.address(channel)]
        consents = give_consent_to_many(reachable, channel, evidence=evidence)
        for pk in consents.given_to:
            by_pk[pk].added.append(channel.value)
        for pk in consents.kept_withdrawn_by:
            note_withdrawn(by_pk[pk], channel)

"""People in a file become contacts, on a list and with what they agreed to."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import phonenumbers
from django.conf import settings

from core import clock
from core.bulk import insert_rows, update_rows
from core.errors import Refused
from core.ids import decode, encode, uuid7
from imports.states import Effect
from imports.targets import (
    ATTRIBUTE,
    BulkTarget,
    Change,
    Field,
    Issue,
    Job,
    Option,
    Record,
    Standing,
    Undone,
    Values,
)
from messaging.actions.bulk_consent import give_consent_to_many, take_back_consent
from messaging.actions.consent import Evidence
from messaging.actions.people import find_or_create_list, insert_members, remove_members
from messaging.actions.unmaking import unmake_contacts
from messaging.addresses import (
    address_hash,
    normalise_email,
    normalise_phone,
    normalise_time_zone,
)
from messaging.attributes import TEXT_LENGTHS, clean_text
from messaging.channels import Channel
from messaging.models import Contact, ContactList

PLAIN = ("first_name", "last_name", "time_zone", "locale")
COLUMNS = ("email", "phone", *PLAIN, "attributes")
WRITTEN = ("id", "email", "email_hash", "phone", "phone_hash", *PLAIN, "attributes", "updated_at")
ADDRESSES = ("email", "phone")
ON_LIST = "list"
# What a spreadsheet makes of a number that it takes for a sum.
AS_A_SUM = re.compile(r"\s*(?:[-\u2212]\s*[\d(]|\d+(?:[.,]\d+)?[eE]\+?\d+\s*$)")


def parse_email(text: str, options: Mapping[str, Any]) -> str:
    return normalise_email(text)


def parse_phone(text: str, options: Mapping[str, Any]) -> str:
    """Return a number as E.164; a negative or rounded one is what a spreadsheet left of it, and is refused."""
    if AS_A_SUM.match(text):
        raise Refused(
            f"{text!r} is not a telephone number: a spreadsheet has changed it into a sum.",
            field="phone",
            value=text,
            remedy="Format the column as text, and enter the numbers again.",
        )
    return normalise_phone(text, region=options.get("default_region", ""))


def parse_text(name: str) -> Any:
    length = TEXT_LENGTHS[name]
    return lambda text, options: clean_text(text, field=name, max_length=length)


class Reached(NamedTuple):
    """As much of a contact as consent asks for."""

    pk: uuid.UUID
    email_hash: str
    phone_hash: str

    def address_hash_for(self, channel: Channel) -> str:
        hashed: str = getattr(self, f"{channel.address_field}_hash")
        return hashed


class Contacts(BulkTarget):
    """Contacts, matched by e-mail address, telephone number or id."""

    name = "contacts"
    title = "Contacts"
    help = "Everybody in the file becomes a contact. Columns without a field of their own become attributes."
    permission = "messaging.add_contact"
    takes_attributes = True
    match_keys = ("email", "phone", "id")
    fields = (
        Field(
            name="email",
            label="e-mail address",
            synonyms="e_mail mail email_address e_mail_address",
            parse=parse_email,
            empty=None,
        ),
        Field(
            name="phone",
            label="telephone number",
            synonyms="phone_number telephone mobile mobile_number mobile_phone cell cellphone",
            parse=parse_phone,
            empty=None,
        ),
        Field(
            name="first_name",
            label="first name",
            synonyms="firstname given_name forename",
            parse=parse_text("first_name"),
        ),
        Field(
            name="last_name",
            label="last name",
            synonyms="lastname surname family_name",
            parse=parse_text("last_name"),
        ),
        Field(
            name="time_zone",
            label="time zone",
            synonyms="timezone tz",
            parse=lambda text, options: normalise_time_zone(text),
        ),
        Field(name="locale", label="locale", parse=parse_text("locale")),
        Field(
            name="id",
            label="contact id",
            synonyms="contact_id",
            parse=lambda text, options: encode("con", decode("con", text.strip())),
        ),
    )
    options = (
        Option(
            name="list_name",
            label="List",
            kind="list",
            help="Everybody in the file joins it; made if there is none of that name.",
        ),
        Option(
            name="consent_source",
            label="Consent source",
            help="Where they agreed to be written to, such as “newsletter form”. Empty: no consent is recorded, and"
            " campaigns skip them.",
        ),
        Option(
            name="consent_wording",
            label="Consent wording",
            kind="long_text",
            help="To which words they agreed.",
        ),
        Option(
            name="consent_channels",
            label="They agreed to",
            kind="choices",
            choices=tuple(Channel.choices),
            default=(Channel.EMAIL.value,),
        ),
        Option(
            name="default_region",
            label="Numbers are dialled in",
            help="Two letters such as ZA or GB, for numbers without a country code.",
        ),
    )

    def clean_options(self, options: Mapping[str, Any], *, actor: str) -> dict[str, Any]:
        """Return options as they are kept; raise Refused for a wrong region, or consent that says too little."""
        cleaned = super().clean_options(options, actor=actor)
        region = (cleaned["default_region"] or settings.DEFAULT_PHONE_REGION).upper()
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise Refused(
                f"{region!r} is no region for telephone numbers.",
                field="default_region",
                value=region,
                remedy="Use two letters such as ZA or GB.",
            )
        clean_text(cleaned["list_name"], field="list_name", max_length=120)
        _check_consent(cleaned, actor=actor)
        return {**cleaned, "default_region": region}

    # --- reading ---------------------------------------------------------------------------------------------------

    def find(
        self, keys: Collection[str], *, match: str, options: Mapping[str, Any], lock: bool
    ) -> dict[str, Standing]:
        found = Contact.objects.filter(**{f"{match}__among": [_key(match, key) for key in keys]})
        if lock:
            found = found.select_for_update().order_by("pk")
        standing = {}
        for pk, *values in found.values_list("pk", *COLUMNS):
            flat = _flat(dict(zip(COLUMNS, values, strict=True)))
            each = Standing(encode("con", pk), flat, pk)
            standing[each.id if match == "id" else each.values[match]] = each
        return standing

    def settle(self, changes: Sequence[Change], *, job: Job) -> None:
        """Let the first who has an address keep it: the value is left out of any other row."""
        for name in ADDRESSES:
            wanted = [change for change in changes if change.values.get(name)]
            if name == job.match or not wanted:
                continue
            owners = self._owners(name, [change.values[name] for change in wanted])
            for change in wanted:
                self._keep_own(name, change, owners)
        for change in changes:
            change.values.pop("id", None)

    def _owners(self, name: str, values: list[str]) -> dict[str, str]:
        found = Contact.objects.filter(**{f"{name}__among": values}).values_list(name, "pk")
        return {str(value): encode("con", pk) for value, pk in found}

    def _keep_own(self, name: str, change: Change, owners: dict[str, str]) -> None:
        value = change.values[name]
        mine = change.id or change.record.key
        if owners.setdefault(value, mine) != mine:
            del change.values[name]
            field = self.field(name)
            assert field is not None
            message = f"Another contact has this {field.label}."
            change.record.issues.append(Issue(f"{name}_taken", field.label, value, message))

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        created = sorted((each for each in changes if not each.standing), key=_by_key)
        updated = [each for each in changes if each.standing and each.values]
        for change in created:
            change.pk = uuid7()
            change.id = encode("con", change.pk)
        now = clock.now()
        insert_rows(
            Contact, (*WRITTEN, "created_at"), [(*_row(each, now), now) for each in created]
        )
        if updated:
            update_rows(Contact, WRITTEN, [_row(each, now) for each in updated])
        self._add(changes, job)

    def _add(self, changes: Sequence[Change], job: Job) -> None:
        """Put everybody on the list, and record what they agreed to; note of each what was new."""
        by_pk = {each.pk: each for each in changes}
        if job.options.get("list_name"):
            joined = find_or_create_list(name=job.options["list_name"], actor=job.actor)
            for pk in insert_members(joined, by_pk):
                by_pk[pk].added.append(ON_LIST)
        if not job.options.get("consent_source"):
            return
        people = [_reached(pk, each) for pk, each in by_pk.items()]
        for channel in map(Channel, job.options["consent_channels"]):
            reachable = [each for each in people if each.address_hash_for(channel)]
            consents = give_consent_to_many(reachable, channel, evidence=_evidence(job))
            for pk in consents.given_to:
                by_pk[pk].added.append(channel.value)
            for pk in consents.kept_withdrawn_by:
                note_withdrawn(by_pk[pk], channel)

    # --- undoing ---------------------------------------------------------------------------------------------------

    def revert(self, rows: Sequence[Undone], *, job: Job) -> set[int]:
        """Give back what stood before; who was made by the import goes again, unless something stands on them."""
        by_pk = {uuid.UUID(int=decode("con", row.id)): row for row in rows}
        self._take_back(by_pk, job)
        standing = self.find([row.id for row in rows], match="id", options={}, lock=True)
        restored = [row for row in rows if row.effect == Effect.UPDATED and row.before]
        now = clock.now()
        update_rows(
            Contact, WRITTEN, [_row(_restoring(row, standing[row.id]), now) for row in restored]
        )
        made = {pk for pk, row in by_pk.items() if row.effect == Effect.CREATED}
        given = _evidence(job) if job.options.get("consent_source") else None
        kept = made - unmake_contacts(made, made=given, unmade=_undo_evidence(job))
        return {by_pk[pk].number for pk in kept}

    def _take_back(self, by_pk: Mapping[uuid.UUID, Undone], job: Job) -> None:
        on_list = [pk for pk, row in by_pk.items() if ON_LIST in row.added]
        if on_list:
            found = ContactList.objects.filter(name__iexact=job.options["list_name"]).first()
            if found:
                remove_members(found, on_list)
        for channel in Channel:
            given = [pk for pk, row in by_pk.items() if channel.value in row.added]
            if given:
                take_back_consent(given, channel, evidence=_undo_evidence(job))


def _check_consent(options: Mapping[str, Any], *, actor: str) -> None:
    source, wording = options["consent_source"], options["consent_wording"]
    if wording and not source:
        raise Refused(
            "A consent wording needs a consent source.",
            field="consent_source",
            value=source,
            remedy="Say where consent was given, such as 'newsletter form'.",
        )
    if source:
        Evidence(source=source, wording=wording, actor=actor)
        if not options["consent_channels"]:
            raise Refused(
                "A consent source needs a channel.",
                field="consent_channels",
                value=[],
                remedy="Say whether they agreed to e-mail, SMS or both.",
            )


def _evidence(job: Job) -> Evidence:
    options = job.options
    return Evidence(
        source=options["consent_source"], wording=options["consent_wording"], actor=job.actor
    )


def _undo_evidence(job: Job) -> Evidence:
    return Evidence(source=f"import {job.public_id} undone", actor=job.actor)


def note_withdrawn(change: Change, channel: Channel) -> None:
    """Note of a row that somebody does not agree, whatever the file says."""
    message = f"They have withdrawn their consent to {channel.label}, and keep it so."
    change.record.issues.append(Issue("consent_withdrawn", "", "", message))


def _by_key(change: Change) -> str:
    return change.record.key


def _key(match: str, key: str) -> Any:
    return uuid.UUID(int=decode("con", key)) if match == "id" else key


def _flat(values: Values) -> Values:
    """Return a contact's values by field name, its attributes among them."""
    attributes = values.pop("attributes")
    return values | {ATTRIBUTE + name: value for name, value in attributes.items()}


def _row(change: Change, now: Any) -> tuple[Any, ...]:
    """Return a contact's columns as they stand after a change, in the order of WRITTEN."""
    values = {**(change.standing.values if change.standing else {}), **change.values}
    email, phone = values.get("email") or None, values.get("phone") or None
    return (
        change.pk,
        email,
        address_hash(email or ""),
        phone,
        address_hash(phone or ""),
        *(values.get(name) or "" for name in PLAIN),
        _attributes(values),
        now,
    )


def _attributes(values: Values) -> dict[str, Any]:
    return {
        name.removeprefix(ATTRIBUTE): value
        for name, value in values.items()
        if name.startswith(ATTRIBUTE) and value is not None
    }


def _reached(pk: uuid.UUID, change: Change) -> Reached:
    values = {**(change.standing.values if change.standing else {}), **change.values}
    return Reached(
        pk, address_hash(values.get("email") or ""), address_hash(values.get("phone") or "")
    )


def _restoring(row: Undone, standing: Standing) -> Change:
    """Return the change that gives back what stood before."""
    return Change(Record(row.number, 0, 0), standing, row.before, row.id, standing.pk)

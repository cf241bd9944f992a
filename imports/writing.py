"""A chunk of people becomes contacts: inserted, updated or left alone, in few statements."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import F

from core import clock
from imports.models import ImportBatch, ImportRejection
from imports.people import Chunk, Issue, Person
from messaging.actions.bulk_consent import BulkConsent, give_consent_to_many
from messaging.actions.consent import Evidence
from messaging.actions.people import add_to_list
from messaging.channels import Channel
from messaging.models import Contact

PLAIN_FIELDS = ("first_name", "last_name", "time_zone", "locale")
WRITTEN_FIELDS = ("phone", "phone_hash", *PLAIN_FIELDS, "attributes", "updated_at")


@dataclass
class Sorted:
    """The people of a chunk, by what has to be done for them."""

    created: list[Contact] = field(default_factory=list)
    updated: list[Contact] = field(default_factory=list)
    unchanged: list[Contact] = field(default_factory=list)

    @property
    def everybody(self) -> list[Contact]:
        return [*self.created, *self.updated, *self.unchanged]


def write_chunk(batch: ImportBatch, chunk: Chunk) -> dict[str, int]:
    """Write a chunk's people, consents, memberships, issues and counts; return the counts.

    Runs inside a database step: all of it commits with the step's checkpoint, or none.
    """
    issues = list(chunk.issues)
    people = sort_people(chunk.people, issues)
    Contact.objects.bulk_create(people.created)
    Contact.objects.bulk_create(
        people.updated,
        update_conflicts=True,
        unique_fields=["email"],
        update_fields=list(WRITTEN_FIELDS),
    )
    consents = _record_consent(batch, people.everybody)
    if batch.contact_list:
        add_to_list(batch.contact_list, people.everybody, actor=batch.actor)
    _record_issues(batch, issues)
    counts = {
        "total": chunk.row_count,
        "created": len(people.created),
        "updated": len(people.updated),
        "unchanged": len(people.unchanged),
        "rejected": sum(issue.is_whole_row for issue in issues),
        "values_left_out": sum(not issue.is_whole_row for issue in issues),
        "consents_given": consents.given,
        "consents_kept_withdrawn": consents.kept_withdrawn,
    }
    ImportBatch.objects.filter(pk=batch.pk).update(
        **{name: F(name) + count for name, count in counts.items()}
    )
    return counts


def sort_people(people: list[Person], issues: list[Issue]) -> Sorted:
    """Compare people with the contacts that stand; a telephone number of somebody else is left out."""
    standing = _standing(people)
    owners = _owners_of_numbers(people)
    result = Sorted()
    for person in people:
        _keep_own_number(person, owners, issues)
        contact = standing.get(person.email)
        if contact is None:
            result.created.append(_filled(Contact(), person))
        elif says_something_new(person, contact):
            result.updated.append(_filled(contact, person))
        else:
            result.unchanged.append(contact)
    return result


def says_something_new(person: Person, contact: Contact) -> bool:
    """Whether a row would change a contact; what a row leaves blank changes nothing."""
    plain = ((getattr(person, name), getattr(contact, name)) for name in ("phone", *PLAIN_FIELDS))
    if any(new and new != old for new, old in plain):
        return True
    return {**contact.attributes, **person.attributes} != contact.attributes


def _standing(people: list[Person]) -> dict[str | None, Contact]:
    """Return the contacts that have these addresses, locked in one order until the chunk commits."""
    found = Contact.objects.filter(email__in=[person.email for person in people])
    return {contact.email: contact for contact in found.select_for_update().order_by("pk")}


def _owners_of_numbers(people: list[Person]) -> dict[str, str]:
    numbers = {person.phone for person in people if person.phone}
    found = Contact.objects.filter(phone__in=numbers).values_list("phone", "email")
    return {str(phone): email or "" for phone, email in found}


def _keep_own_number(person: Person, owners: dict[str, str], issues: list[Issue]) -> None:
    """Let the first who has a number keep it."""
    if person.phone and owners.setdefault(person.phone, person.email) != person.email:
        message = "Another contact has this number."
        issues.append(Issue(person.line, "phone", "phone_taken", person.phone, message))
        person.phone = ""


def _filled(contact: Contact, person: Person) -> Contact:
    """Return a contact with what a row says; what the row leaves blank stays."""
    for name in PLAIN_FIELDS:
        setattr(contact, name, getattr(person, name) or getattr(contact, name))
    contact.attributes = {**contact.attributes, **person.attributes}
    contact.set_addresses(email=person.email, phone=person.phone or contact.phone)
    contact.updated_at = clock.now()
    return contact


def _record_consent(batch: ImportBatch, contacts: list[Contact]) -> BulkConsent:
    if not batch.consent_source:
        return BulkConsent(given=0, kept_withdrawn=0)
    evidence = Evidence(
        source=batch.consent_source, wording=batch.consent_wording, actor=batch.actor
    )
    return give_consent_to_many(contacts, Channel.EMAIL, evidence=evidence)


def _record_issues(batch: ImportBatch, issues: list[Issue]) -> None:
    ImportRejection.objects.bulk_create(
        [
            ImportRejection(
                batch=batch,
                line=issue.line,
                column=issue.column[:200],
                code=issue.code,
                value=issue.value.strip()[:200],
                message=issue.message[:300],
                is_whole_row=issue.is_whole_row,
            )
            for issue in issues
        ]
    )

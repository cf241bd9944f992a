"""What may be done with contacts and lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from core import audit, clock
from core.bulk import insert_missing_rows
from core.errors import Conflict, Refused
from messaging.addresses import normalise_email, normalise_phone, normalise_time_zone
from messaging.attributes import TEXT_LENGTHS, clean_attributes, clean_text
from messaging.models import Contact, ContactList, ListMember


def create_contact(
    *,
    actor: str,
    email: str = "",
    phone: str = "",
    region: str = "",
    **details: Any,
) -> Contact:
    """Add a person; raise Conflict, naming who has it, where an address is taken.

    `details` are first_name, last_name, time_zone, locale and attributes.
    """
    contact = Contact(**_clean(details))
    contact.set_addresses(
        email=normalise_email(email) if email else None,
        phone=normalise_phone(phone, region=region) if phone else None,
    )
    _require_an_address(contact)
    _insert_or_conflict(contact, actor=actor)
    return contact


def update_contact(contact: Contact, *, actor: str, **changes: Any) -> Contact:
    """Change the named fields of a person and no others; raise Conflict if an address is taken, or they are erased."""
    fresh = Contact.objects.get(pk=contact.pk)
    if fresh.erased_at:
        raise Conflict(
            "This person is erased.",
            field="contact",
            value=fresh.public_id,
            remedy="Make a new contact, if they want to hear from you again.",
        )
    before = {field: getattr(fresh, field) for field in changes}
    email, phone = changes.pop("email", fresh.email), changes.pop("phone", fresh.phone)
    fresh.set_addresses(
        email=normalise_email(email) if email else None,
        phone=normalise_phone(phone) if phone else None,
    )
    _require_an_address(fresh)
    for field, value in _clean(changes).items():
        setattr(fresh, field, value)
    changed = sorted(field for field, value in before.items() if getattr(fresh, field) != value)
    if changed:
        _save_or_conflict(fresh, changed, actor=actor)
    return fresh


def create_list(*, name: str, actor: str) -> ContactList:
    """Make an empty list; raise Conflict where one of that name stands, in whatever case."""
    contact_list = ContactList(name=_list_name(name))
    try:
        with transaction.atomic():
            contact_list.save(force_insert=True)
            audit.record("list.created", contact_list, actor=actor)
    except IntegrityError:
        raise _name_is_taken(contact_list.name) from None
    return contact_list


def rename_list(contact_list: ContactList, *, name: str, actor: str) -> None:
    """Give a list another name; raise Conflict where another list has it."""
    cleaned = _list_name(name)
    try:
        with transaction.atomic():
            ContactList.objects.filter(pk=contact_list.pk).update(name=cleaned)
            audit.record("list.renamed", contact_list, actor=actor)
    except IntegrityError:
        raise _name_is_taken(cleaned) from None


def find_or_create_list(*, name: str, actor: str) -> ContactList:
    """Return the list of that name, in whatever case, made now if there is none."""
    found = ContactList.objects.filter(name__iexact=_list_name(name)).first()
    return found or create_list(name=name, actor=actor)


def add_to_list(contact_list: ContactList, contacts: Iterable[Contact], *, actor: str) -> int:
    """Put people on a list, those already on it left as they are; return how many were added."""
    with transaction.atomic():
        added = insert_members(contact_list, {contact.pk for contact in contacts})
        audit.record("list.members_added", contact_list, actor=actor, count=len(added))
    return len(added)


def insert_members(contact_list: ContactList, contacts: Iterable[UUID]) -> set[UUID]:
    """Put people on a list; return who was not on it before. The audit entry is the caller's."""
    ids = set(contacts)
    ids -= set(contact_list.members.filter(contact__in=ids).values_list("contact", flat=True))
    added_at = clock.now()
    insert_missing_rows(
        ListMember,
        ("list", "contact", "added_at"),
        [(contact_list.pk, pk, added_at) for pk in sorted(ids)],
    )
    return ids


def remove_members(contact_list: ContactList, contacts: Iterable[UUID]) -> int:
    """Take people off a list; return how many were on it. The audit entry is the caller's."""
    removed, _ = contact_list.members.filter(contact__in=list(contacts)).delete()
    return removed


def remove_from_list(contact_list: ContactList, contacts: Iterable[Contact], *, actor: str) -> int:
    """Take people off a list; return how many were on it."""
    ids = [contact.pk for contact in contacts]
    with transaction.atomic():
        removed = remove_members(contact_list, ids)
        audit.record("list.members_removed", contact_list, actor=actor, count=removed)
    return removed


def _clean(details: dict[str, Any]) -> dict[str, Any]:
    """Return the details in the form they are stored; raise Refused for what cannot be."""
    cleaned: dict[str, Any] = {}
    for field, value in details.items():
        if field in TEXT_LENGTHS:
            cleaned[field] = clean_text(value, field=field, max_length=TEXT_LENGTHS[field])
        elif field == "time_zone":
            cleaned[field] = normalise_time_zone(value) if value else ""
        elif field == "attributes":
            cleaned[field] = clean_attributes(value)
        else:
            raise TypeError(f"A contact has no detail {field!r}.")
    return cleaned


def _require_an_address(contact: Contact) -> None:
    if not contact.email and not contact.phone:
        raise Refused(
            "A contact needs an e-mail address or a phone number.",
            field="email",
            remedy="Give at least one of the two.",
        )


def _insert_or_conflict(contact: Contact, *, actor: str) -> None:
    try:
        with transaction.atomic():
            contact.save(force_insert=True)
            audit.record("contact.created", contact, actor=actor)
    except IntegrityError:
        raise _address_is_taken(contact) from None


def _save_or_conflict(contact: Contact, changed: list[str], *, actor: str) -> None:
    contact.updated_at = clock.now()
    try:
        with transaction.atomic():
            contact.save(update_fields=[*changed, "email_hash", "phone_hash", "updated_at"])
            audit.record("contact.updated", contact, actor=actor, fields=changed)
    except IntegrityError:
        raise _address_is_taken(contact) from None


def _address_is_taken(contact: Contact) -> Conflict:
    """Return the refusal that names the contact which has one of these addresses."""
    others = Contact.objects.exclude(pk=contact.pk)
    for field in ("email", "phone"):
        value = getattr(contact, field)
        other = others.filter(**{field: value}).first() if value else None
        if other:
            return Conflict(
                f"{value} belongs to contact {other.public_id}.",
                field=field,
                value=value,
                remedy="Change that contact, or use another address.",
                code="contact_exists",
            )
    return Conflict("Somebody changed this contact at the same moment.", remedy="Try again.")


def _list_name(name: str) -> str:
    cleaned = clean_text(name, field="name", max_length=120)
    if not cleaned:
        raise Refused("A list needs a name.", field="name", value=name, remedy="Name it.")
    return cleaned


def _name_is_taken(name: str) -> Conflict:
    return Conflict(
        f"There is already a list named {name!r}.",
        field="name",
        value=name,
        remedy="Use that list, or choose another name.",
    )

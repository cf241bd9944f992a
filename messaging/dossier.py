"""Everything we know about a person, as one JSON document (GDPR, articles 15 and 20).

Layers above register what they know: `register_part("registrations", registrations_of)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model, Q, QuerySet

from core import audit, clock
from core.models import AuditEntry
from messaging.channels import Channel
from messaging.letters import letter_of, letter_of_test
from messaging.life import MOMENTS
from messaging.models import (
    ConsentEvent,
    Contact,
    Message,
    Proof,
    ProviderEvent,
    Suppression,
)

Part = Callable[[Contact], Any]
_parts: dict[str, Part] = {}

ABOUT = ("email", "phone", "first_name", "last_name", "time_zone", "locale", "attributes")
CONSENT_EVENT = ("at", "channel", "state", "source", "wording", "ip_address", "actor")
MESSAGE = ("address", "status", "reason", "detail", "created_at", "settled_at", "provider_id")
EVENT = ("source", "kind", "received_at", "happened_at", "body")


def register_part(name: str, tell: Part) -> None:
    """Add to every dossier under `name` what `tell(contact)` returns; it must be JSON, dates allowed."""
    _parts[name] = tell


def export_contact(contact: Contact, *, actor: str) -> dict[str, Any]:
    """Return everything that is known about a person; that it was asked for is on the record."""
    audit.record("contact.exported", contact, actor=actor)
    return {
        "exported_at": clock.now(),
        "contact": _contact(contact),
        "lists": [
            {"list": each.list.name, "added_at": each.added_at}
            for each in contact.memberships.select_related("list").order_by("added_at")
        ],
        "consents": _rows(contact.consents.order_by("channel"), ("channel", "state", "updated_at")),
        "consent_history": [_consent_event(each) for each in _history(contact)],
        "topics": [
            {"topic": each.topic.name, "channel": each.channel, "state": each.state}
            for each in contact.topic_choices.select_related("topic")
        ],
        "confirmations": [
            {"list": each.list.name, "asked_at": each.asked_at, "confirmed_at": each.confirmed_at}
            for each in contact.confirmations.select_related("list")
        ],
        "suppressions": _rows(
            _suppressions(contact), ("channel", "reason", "source", "created_at")
        ),
        "messages": [_message(each) for each in _messages(contact)],
        "tests": [_test(each, contact) for each in tests_about(contact).order_by("pk")],
        "answers": _rows(_answers(contact), EVENT),
        "changes": _rows(
            AuditEntry.objects.about(contact).order_by("at"), ("at", "actor", "verb", "detail")
        ),
        **{name: tell(contact) for name, tell in sorted(_parts.items())},
    }


def _contact(contact: Contact) -> dict[str, Any]:
    fields = (*ABOUT, "created_at", "updated_at", "erased_at")
    return {"id": contact.public_id, **_row(contact, fields)}


def _history(contact: Contact) -> Iterable[ConsentEvent]:
    return contact.consent_events.select_related("topic").order_by("pk")


def _consent_event(event: ConsentEvent) -> dict[str, Any]:
    return {**_row(event, CONSENT_EVENT), "topic": event.topic.name if event.topic else None}


def _suppressions(contact: Contact) -> Iterable[Suppression]:
    closed = Q(pk=None)
    for channel in Channel:
        if hashed := contact.address_hash_for(channel):
            closed |= Q(channel=channel, address_hash=hashed)
    return Suppression.objects.filter(closed)


def _messages(contact: Contact) -> Iterable[Message]:
    rows = contact.messages.select_related("stream", "batch").prefetch_related("events")
    return rows.order_by("pk").iterator(chunk_size=50)


def _message(message: Message) -> dict[str, Any]:
    letter = letter_of(message)
    return {
        "id": message.public_id,
        "title": message.stream.title,
        **_row(message, MESSAGE),
        "delivery": message.delivery,
        "trouble": message.trouble,
        **_row(message, tuple(f"{stage.value}_at" for stage in MOMENTS)),
        "data": message.data,
        "subject": letter.subject if letter else None,
        "html": letter.html if letter else None,
        "text": letter.text if letter else None,
        "events": _rows(message.events.all(), EVENT),
    }


def tests_about(contact: Contact) -> QuerySet[Proof]:
    """Return the tests of templates that were written as for a person, or went to an address of theirs."""
    return Proof.objects.filter(Q(contact=contact) | Q(address__in=contact.addresses))


def _test(proof: Proof, contact: Contact) -> dict[str, Any]:
    """Return a test; the address is told where it is the person's own, for others are somebody else's."""
    letter = letter_of_test(proof)
    return {
        "id": proof.public_id,
        "template": proof.version.template.name,
        "address": proof.address if proof.address in contact.addresses else None,
        **_row(proof, ("status", "created_at", "created_by")),
        "subject": letter.subject if letter else None,
        "html": letter.html if letter else None,
        "text": letter.text if letter else None,
    }


def _answers(contact: Contact) -> Iterable[ProviderEvent]:
    """Yield what they texted: before they were a contact, and since."""
    if contact.phone:
        yield from ProviderEvent.objects.of_stranger(contact.phone).order_by("pk")
    yield from ProviderEvent.objects.filter(contact=contact, message=None).order_by("pk")


def _rows(rows: Iterable[Model], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    return [_row(row, fields) for row in rows]


def _row(row: Model, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in fields}

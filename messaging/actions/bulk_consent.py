"""Consent for many people at once, as a file states it. What a person said later always wins."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from django.db import transaction

from core import clock
from core.bulk import insert_rows
from messaging.actions.consent import Evidence
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentEvent,
    ConsentState,
    Suppression,
    SuppressionReason,
)

# Words of the person, which no file outweighs.
OWN_WISHES = (
    SuppressionReason.UNSUBSCRIBED,
    SuppressionReason.STOPPED,
    SuppressionReason.COMPLAINED,
    SuppressionReason.ERASED,
)


class Person(Protocol):
    """As much of a contact as is asked for here."""

    @property
    def pk(self) -> uuid.UUID: ...

    def address_hash_for(self, channel: Channel) -> str: ...


@dataclass(frozen=True)
class BulkConsent:
    """Who gave consent by this, and who had withdrawn it and keeps it so."""

    given_to: frozenset[uuid.UUID]
    kept_withdrawn_by: frozenset[uuid.UUID]


def give_consent_to_many(
    contacts: Collection[Person], channel: Channel, *, evidence: Evidence
) -> BulkConsent:
    """Record consent for those who never said anything; leave everybody else as they are.

    The audit entry is the caller's, one for the whole file.
    """
    with transaction.atomic():
        states = _states(contacts, channel)
        refusals = _hashes_of_own_wishes(contacts, channel)
        withdrawn = {
            contact.pk
            for contact in contacts
            if states.get(contact.pk) == ConsentState.WITHDRAWN
            or contact.address_hash_for(channel) in refusals
        }
        fresh = [each.pk for each in contacts if each.pk not in states and each.pk not in withdrawn]
        _insert(fresh, channel, evidence)
    return BulkConsent(given_to=frozenset(fresh), kept_withdrawn_by=frozenset(withdrawn))


def take_back_consent(
    contacts: Collection[uuid.UUID], channel: Channel, *, evidence: Evidence
) -> None:
    """Undo consent that was recorded by mistake: these people have never said anything.

    The history keeps both: that it was recorded, and that it was taken back. Who has withdrawn it meanwhile keeps
    that.
    """
    granted = Consent.objects.filter(
        contact__in=contacts, channel=channel, state=ConsentState.GRANTED
    )
    with transaction.atomic():
        owners = list(granted.values_list("contact", flat=True))
        granted.delete()
        _append(owners, channel, ConsentState.WITHDRAWN, evidence)


def _states(contacts: Collection[Person], channel: Channel) -> dict[object, str]:
    consents = Consent.objects.filter(contact__in=[each.pk for each in contacts], channel=channel)
    return dict(consents.values_list("contact", "state"))


def _hashes_of_own_wishes(contacts: Collection[Person], channel: Channel) -> set[str]:
    hashes = [hashed for each in contacts if (hashed := each.address_hash_for(channel))]
    suppressions = Suppression.objects.filter(
        channel=channel, address_hash__in=hashes, reason__in=OWN_WISHES
    )
    return set(suppressions.values_list("address_hash", flat=True))


def _insert(contacts: Collection[uuid.UUID], channel: Channel, evidence: Evidence) -> None:
    at = clock.now()
    insert_rows(
        Consent,
        ("contact", "channel", "state", "updated_at"),
        [(contact, channel.value, ConsentState.GRANTED.value, at) for contact in contacts],
    )
    _append(contacts, channel, ConsentState.GRANTED, evidence)


def _append(
    contacts: Collection[uuid.UUID], channel: Channel, state: ConsentState, evidence: Evidence
) -> None:
    """Append one act of each person to their history."""
    at = clock.now()
    said = (evidence.source, evidence.wording, evidence.ip_address, evidence.actor)
    insert_rows(
        ConsentEvent,
        ("contact", "channel", "state", "at", "source", "wording", "ip_address", "actor"),
        [(contact, channel.value, state.value, at, *said) for contact in contacts],
    )

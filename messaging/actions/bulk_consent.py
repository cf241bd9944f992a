"""Consent for many people at once, as a file states it. What a person said later always wins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from django.db import transaction

from core import clock
from messaging.actions.consent import Evidence
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentEvent,
    ConsentState,
    Contact,
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


@dataclass(frozen=True)
class BulkConsent:
    """How many people gave consent by this, and how many had withdrawn theirs and keep it so."""

    given: int
    kept_withdrawn: int


def give_consent_to_many(
    contacts: Collection[Contact], channel: Channel, *, evidence: Evidence
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
        fresh = [each for each in contacts if each.pk not in states and each.pk not in withdrawn]
        _insert(fresh, channel, evidence)
    return BulkConsent(given=len(fresh), kept_withdrawn=len(withdrawn))


def _states(contacts: Collection[Contact], channel: Channel) -> dict[object, str]:
    consents = Consent.objects.filter(contact__in=[each.pk for each in contacts], channel=channel)
    return dict(consents.values_list("contact", "state"))


def _hashes_of_own_wishes(contacts: Collection[Contact], channel: Channel) -> set[str]:
    hashes = [hashed for each in contacts if (hashed := each.address_hash_for(channel))]
    suppressions = Suppression.objects.filter(
        channel=channel, address_hash__in=hashes, reason__in=OWN_WISHES
    )
    return set(suppressions.values_list("address_hash", flat=True))


def _insert(contacts: Collection[Contact], channel: Channel, evidence: Evidence) -> None:
    at = clock.now()
    granted = {"channel": channel, "state": ConsentState.GRANTED}
    Consent.objects.bulk_create(
        [Consent(contact=each, updated_at=at, **granted) for each in contacts]
    )
    ConsentEvent.objects.bulk_create(
        [ConsentEvent(contact=each, at=at, **granted, **asdict(evidence)) for each in contacts]
    )

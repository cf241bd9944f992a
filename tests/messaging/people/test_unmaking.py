"""A contact made by mistake goes again; one of whom anything is known by now stays, and stops no other."""

from __future__ import annotations

import pytest

from messaging.actions.consent import Evidence, give_consent
from messaging.actions.people import create_contact
from messaging.actions.unmaking import unmake_contacts
from messaging.channels import Channel
from messaging.models import ConsentEvent, Contact, ProviderEvent

pytestmark = pytest.mark.django_db

UNMADE = Evidence(source="import 1 undone", actor="staff:alice")


def test_who_has_written_to_us_stays_with_their_history_and_the_others_go() -> None:
    made = Evidence(source="form", actor="staff:alice")
    wrote, silent = (
        create_contact(phone=phone, actor="staff:alice")
        for phone in ("+27825550134", "+27825550135")
    )
    for contact in (wrote, silent):
        give_consent(contact, Channel.SMS, source=made.source, actor=made.actor)
        contact.consents.all().delete()
    ProviderEvent.objects.create(
        source="twilio", dedupe_key="SM1:inbound", kind="inbound", contact=wrote
    )

    gone = unmake_contacts({wrote.pk, silent.pk}, made=made, unmade=UNMADE)

    assert gone == {silent.pk}
    assert Contact.objects.get() == wrote
    assert ConsentEvent.objects.get().contact == wrote

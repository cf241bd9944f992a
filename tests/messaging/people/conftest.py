"""The people of these tests: Alice agreed, Bob never said so, Charlie has a telephone only."""

from __future__ import annotations

import pytest

from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact


@pytest.fixture
def alice(db: None) -> Contact:
    contact = create_contact(
        email="alice@example.com",
        first_name="Alice",
        last_name="Adams",
        attributes={"company": "Acme"},
        actor="system",
    )
    give_consent(contact, Channel.EMAIL, source="newsletter form", wording="Yes", actor="system")
    return contact


@pytest.fixture
def bob(db: None) -> Contact:
    return create_contact(email="bob@example.com", first_name="Bob", actor="system")


@pytest.fixture
def charlie(db: None) -> Contact:
    return create_contact(phone="082 555 0134", first_name="Charlie", actor="system")

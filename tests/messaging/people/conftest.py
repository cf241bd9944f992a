"""The people of these tests: Thandi agreed, Sipho never said so, Lerato has a telephone only."""

from __future__ import annotations

import pytest

from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact


@pytest.fixture
def thandi(db: None) -> Contact:
    contact = create_contact(
        email="thandi@example.com",
        first_name="Thandi",
        last_name="Adams",
        attributes={"company": "Acme"},
        actor="system",
    )
    give_consent(contact, Channel.EMAIL, source="newsletter form", wording="Yes", actor="system")
    return contact


@pytest.fixture
def sipho(db: None) -> Contact:
    return create_contact(email="sipho@example.com", first_name="Sipho", actor="system")


@pytest.fixture
def lerato(db: None) -> Contact:
    return create_contact(phone="082 555 0134", first_name="Lerato", actor="system")

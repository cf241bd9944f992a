"""People, a template and a sender for campaigns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User

from campaigns.actions import create_campaign
from campaigns.models import Campaign
from core import clock
from messaging.actions.consent import give_consent
from messaging.actions.people import add_to_list, create_contact, create_list
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Contact, ContactList, Sender, Template

ALICE = "staff:alice"
#: Tests that need a known time travel here; nothing else in them depends on the real one.
MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
#: Longer ago than the audience is frozen, so that members had joined before any launch.
A_MINUTE = timedelta(minutes=1)

MakeCampaign = Callable[..., Campaign]


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender.objects.create(name="News", from_email="news@example.com", lanes=1)


@pytest.fixture
def template(db: None) -> Template:
    made = create_template(name="Spring", actor=ALICE)
    save_version(made, actor=ALICE, subject="Hello", html="<p>Hello {{ contact.email }}</p>")
    return made


def make_people(count: int, *, start: int = 0, consenting: bool = True) -> list[Contact]:
    """Create people `person0@example.com` and so on."""
    people = [
        create_contact(email=f"person{number}@example.com", actor=ALICE)
        for number in range(start, start + count)
    ]
    if consenting:
        for person in people:
            give_consent(person, Channel.EMAIL, source="form", actor=ALICE)
    return people


@pytest.fixture
def readers(db: None) -> ContactList:
    """A list of five people who agreed, and two who did not."""
    contact_list = create_list(name="Readers", actor=ALICE)
    people = make_people(5) + make_people(2, start=5, consenting=False)
    with clock.travel(by=-A_MINUTE):
        add_to_list(contact_list, people, actor=ALICE)
    return contact_list


@pytest.fixture
def make_campaign(template: Template, sender: Sender, readers: ContactList) -> MakeCampaign:
    def make(name: str = "Spring offer", **parts: object) -> Campaign:
        chosen = {"template": template, "sender": sender, "lists": [readers], **parts}
        return create_campaign(name, actor=ALICE, **chosen)  # type: ignore[arg-type]

    return make


@pytest.fixture
def campaign(make_campaign: MakeCampaign) -> Campaign:
    """A draft to five people who agreed and two who did not."""
    return make_campaign()


@pytest.fixture
def staff_with(db: None) -> Callable[..., User]:
    """Return a staff user who may look at campaigns, and holds these permissions of theirs."""

    def make(*codenames: str, name: str = "dana") -> User:
        user = User.objects.create_user(name, is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(
                content_type__app_label="campaigns", codename__in=["view_campaign", *codenames]
            )
        )
        return user

    return make

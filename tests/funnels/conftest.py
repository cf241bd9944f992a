"""An event in a fortnight, the standard funnels in the sandbox, and people who agreed to be written to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from funnels.actions import create_event, launch_funnel
from funnels.models import Event, Funnel, Launch
from funnels.standard import AFTER, BEFORE, install_funnels
from messaging.actions.consent import give_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact, Sender

ALICE = "staff:alice"
#: Every story begins here.
TODAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
#: The event of most of them: a Monday at 18:00 in Johannesburg, for an hour.
STARTS = datetime(2027, 3, 15, 16, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=1)
SETTLED = ENDS + timedelta(minutes=85)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def today(db: None):  # type: ignore[no-untyped-def]
    """Let the story begin on its day."""
    with clock.travel(to=TODAY):
        yield


@pytest.fixture
def senders(db: None) -> tuple[Sender, Sender]:
    """A sender of e-mails and one of SMS; both keep what they send here."""
    return (
        Sender.objects.create(name="Events", from_email="events@example.com", lanes=1),
        Sender.objects.create(
            name="Texts", channel=Channel.SMS, from_number="+27825550134", lanes=1
        ),
    )


@pytest.fixture
def event(db: None) -> Event:
    return create_event(
        title="Open day",
        starts_at=STARTS,
        ends_at=ENDS,
        time_zone="Africa/Johannesburg",
        join_url="https://example.com/join",
        actor=ALICE,
    )


@pytest.fixture
def funnels(senders: tuple[Sender, Sender]) -> dict[str, Funnel]:
    """The two standard funnels, published."""
    install_funnels(actor=ALICE)
    return {name: Funnel.objects.get(name=name) for name in (BEFORE, AFTER)}


@pytest.fixture
def before(event: Event, funnels: dict[str, Funnel]) -> Launch:
    """The funnel that leads to the event, launched."""
    return launch_funnel(funnels[BEFORE], event, actor=ALICE)


@pytest.fixture
def after(event: Event, funnels: dict[str, Funnel]) -> Launch:
    """The funnel that follows the event, launched."""
    return launch_funnel(funnels[AFTER], event, actor=ALICE)


MakePerson = Callable[..., Contact]


@pytest.fixture
def make_person(db: None) -> MakePerson:
    """Make a person who agreed to both channels, or to those named."""

    def make(name: str = "ada", *, agrees: tuple[str, ...] = ("email", "sms")) -> Contact:
        number = Contact.objects.count()
        person = create_contact(
            email=f"{name}@example.com",
            phone=f"+2782555{number:04d}",
            first_name=name.title(),
            actor=ALICE,
        )
        for channel in agrees:
            give_consent(person, Channel(channel), source="sign-up form", actor=ALICE)
        return person

    return make


@pytest.fixture
def ada(make_person: MakePerson) -> Contact:
    return make_person("ada")

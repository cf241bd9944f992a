"""What other systems say by events: that somebody enrolled, that an event is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from funnels.actions import complete_event, enroll_person
from funnels.models import Event
from messaging.actions.registration import GivenConsent
from messaging.channels import Channel
from messaging.models import Contact


class Consent(BaseModel):
    """What the person agreed to, and how we know."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel
    source: str = Field(min_length=1, max_length=200)
    wording: str = ""


class Person(BaseModel):
    """Whoever has this address."""

    model_config = ConfigDict(extra="forbid")

    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    time_zone: str = ""


class EnrollmentWish(BaseModel):
    """The data of `event.enrolled`: an event, and a contact or a person."""

    event: str
    contact: str = ""
    person: Person | None = None
    consents: list[Consent] = []

    @model_validator(mode="after")
    def names_somebody(self) -> EnrollmentWish:
        if bool(self.contact) == (self.person is not None):
            raise ValueError("name a contact, or describe a person: one of the two")
        return self


class CompletionWish(BaseModel):
    """The data of `event.completed`: when it ended, and, where that is known, the addresses of all who came."""

    event: str
    ended_at: AwareDatetime | None = None
    attendees: list[str] | None = None


def wish_of(event: Any) -> dict[str, Any]:
    """Return the input of the run that an event starts."""
    return {"wish": event.data}


def enroll(wish: EnrollmentWish, *, actor: str) -> str:
    """Enroll whom an event tells of; return the registration's id."""
    person = wish.person.model_dump(exclude_defaults=True) if wish.person else None
    registration, _ = enroll_person(
        Event.from_public_id(wish.event),
        contact=Contact.from_public_id(wish.contact) if wish.contact else None,
        person=person,
        consents=[GivenConsent(**each.model_dump()) for each in wish.consents],
        actor=actor,
    )
    return registration.public_id


def complete(wish: CompletionWish, *, actor: str) -> str:
    """End the event that an event tells of; return how it stands."""
    ended: datetime | None = wish.ended_at
    event = complete_event(
        Event.from_public_id(wish.event), ended_at=ended, attendees=wish.attendees, actor=actor
    )
    return event.status

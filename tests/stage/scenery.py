"""A campaign ready to be sent to so many people, made set-wise so that even 360,000 take seconds."""

from __future__ import annotations

from datetime import timedelta

from campaigns.actions import create_campaign
from campaigns.models import Campaign
from core import clock
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Consent, Contact, ContactList, ListMember, ProviderName, Sender
from messaging.providers.names import CHANNELS

ACTOR = "command:stage"
SUBJECT = "News for {{ contact.first_name }}"
TEXT = "{{ contact.first_name }}, we begin at nine. No more of this: {{ unsubscribe_url }}"
HTML = (
    """
<h1>Hello {{ contact.first_name }} {{ contact.last_name }}</h1>
<p>You asked us to write to {{ contact.email }} about what is new in {{ contact.attributes.city }}.</p>
<p>{{ campaign.name }} is here, and {{ contact.first_name }} is among the first to know.</p>
<p><a href="{{ unsubscribe_url }}">No more of this</a></p>
"""
    + "<p>Long letters have many paragraphs, and each of them says something that matters.</p>" * 18
)


def make_list(
    count: int, *, first: int = 0, chunk: int = 5_000, channel: Channel = Channel.EMAIL
) -> ContactList:
    """Make so many people who agreed to a channel, on one list that they joined an hour ago."""
    earlier = clock.now() - timedelta(hours=1)
    readers = ContactList.objects.create(name=f"{count} readers {clock.now():%H%M%S%f}")
    for start in range(first, first + count, chunk):
        end = min(start + chunk, first + count)
        people = [make_person(number, channel) for number in range(start, end)]
        Contact.objects.bulk_create(people)
        ListMember.objects.bulk_create(
            ListMember(list=readers, contact=person, added_at=earlier) for person in people
        )
        Consent.objects.bulk_create(
            Consent(contact=person, channel=channel, state="granted") for person in people
        )
    return readers


def make_person(number: int, channel: Channel = Channel.EMAIL) -> Contact:
    person = Contact(first_name=f"Ada{number}", last_name="Lovelace", attributes={"city": "London"})
    if channel == Channel.EMAIL:
        person.set_addresses(email=f"person{number}@example.com", phone=None)
    else:
        person.set_addresses(email=None, phone=f"+2782{number:07d}")
    return person


def make_campaign(
    people: ContactList, *, provider: str, lanes: int, rate_per_second: float | None = None
) -> Campaign:
    """Make a draft to everybody on a list, through a sender of its own."""
    name = f"Letter {clock.now():%H%M%S%f}"
    channel, *_ = CHANNELS[ProviderName(provider)]
    template = create_template(name=name, channel=channel, actor=ACTOR)
    content = {"text": TEXT} if channel == Channel.SMS else {"subject": SUBJECT, "html": HTML}
    save_version(template, actor=ACTOR, **content)
    sender = Sender.objects.create(
        name=name,
        channel=channel,
        provider=provider,
        from_email="news@example.com",
        lanes=lanes,
        rate_per_second=rate_per_second,
    )
    return create_campaign(name, template=template, sender=sender, lists=[people], actor=ACTOR)
